import { controlOf, ownOf, type TopicRecords } from '../../src/shared/control.ts'
import type { LoggedEvent } from '../../src/shared/events.ts'

/** What a log knows of its topics after this control, the next entry of the log. */
export const afterControl = (
  topics: TopicRecords = {},
  { seq, topic, data }: Pick<LoggedEvent, 'seq' | 'topic' | 'data'>,
): TopicRecords => {
  const name = topic!
  const control = controlOf({ data })
  const before = ownOf(topics, name)
  const lasting = before?.is === 'live' ? before : null
  switch (control.is) {
    case 'live':
      return { ...topics, [name]: { ...(lasting ?? { since: seq }), ...control } }
    case 'refused':
      return { ...topics, [name]: { ...control, since: seq } }
    case 'left':
      return Object.fromEntries(Object.entries(topics).filter(([each]) => each !== name))
    case 'reset':
      return lasting === null ? topics : { ...topics, [name]: { ...lasting, resetAt: seq } }
  }
}
