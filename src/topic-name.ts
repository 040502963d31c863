import { isCredential } from './endpoint.ts'
import type { TopicOptions } from './shared/hub-options.ts'

/** Bytes of UTF-8 that a topic's name has at most (R7). */
const MOST_BYTES = 200

/** A line of the stream, a query and a log hold the name: nothing in it may cut or rearrange them. */
const isName = (name: unknown, separator: string | null): boolean =>
  typeof name === 'string' &&
  name !== '' &&
  name !== '*' &&
  !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(name) &&
  new TextEncoder().encode(name).length <= MOST_BYTES &&
  !(separator !== null && name.includes(separator)) &&
  !isCredential(name)

/**
 * @param topics the option; `null`: it is not set
 * @throws TypeError this stream has no topics, or none can have this name. It never quotes the name (A1)
 */
export const checkTopicName = (name: unknown, topics: Pick<TopicOptions, 'separator'> | null): void => {
  if (topics === null) throw new TypeError('tabstream: set the option `topics` for a stream with topics.')
  if (!isName(name, topics.separator))
    throw new TypeError(
      `tabstream: the name of a topic must be 1 to ${MOST_BYTES} bytes of UTF-8, without control and format ` +
        'characters and the separator. It must not be `*`, or look like a credential.',
    )
}
