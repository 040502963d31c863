import type { Off, Stream } from '../stream.ts'
import { keepFed } from './keep-fed.ts'
import { type AnyStream, type Feeding, fedOf, type OfStream, type OfTopic } from './options.ts'

export interface StreamSubscriptionOptions<Events, Value> extends Feeding<Events, Value> {
  /** Fetches the value, which is structured-cloneable. One tab runs it for all that ask at the same time. */
  fetcher(key: unknown, context: { signal: AbortSignal }): Promise<Value>
}

/** What `useSWRSubscription` of SWR 2 takes, beside its key. */
export type Subscribe<Value> = (
  key: unknown,
  options: { next(error?: unknown, data?: Value | ((value?: Value) => Value)): void },
) => Off

/**
 * A value of SWR 2 that a stream keeps right, for as long as a component uses it. A fetch that fails is tried again after
 * 1 s, and ever more seldom.
 *
 * @param stream `null`, as hooks give it before there is one: nothing happens, and the key should be `null`, too
 */
export function streamSubscription<Events, Topics, Value>(
  stream: Stream<Events, Topics> | null,
  options: StreamSubscriptionOptions<Events, Value> & OfStream,
): Subscribe<Value>
export function streamSubscription<TopicEvents, Value>(
  stream: AnyStream | null,
  options: StreamSubscriptionOptions<TopicEvents, Value> & OfTopic<TopicEvents>,
): Subscribe<Value>
export function streamSubscription(
  stream: unknown,
  options: StreamSubscriptionOptions<never, unknown> & { topic?: unknown },
): Subscribe<unknown> {
  return (key, { next }) => {
    const fed = fedOf(stream, options, key, (context) => options.fetcher(key, context))
    if (fed === null) return () => {}
    return keepFed(fed, {
      set: (value) => next(null, value),
      update: (change) => next(null, change),
      fail: (error) => next(error),
    })
  }
}
