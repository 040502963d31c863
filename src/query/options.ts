import type { StreamEvent } from '../delivery/listeners.ts'
import type { Stream, TypeOf } from '../stream.ts'
import type { Topic } from '../topic.ts'
import type { Fed, Sharing, Source } from './feed.ts'

/**
 * What each event type means for the value. `'invalidate'`: it is fetched anew, once for all tabs. A reducer: what the
 * event makes of the value, which it must not change. Without `position` it must bear an event that the value has already.
 */
export type On<Events, Value> = {
  [Type in TypeOf<Events>]?:
    | 'invalidate'
    | ((value: Value, payload: Events[Type], event: StreamEvent<Type>) => Value)
}

/** What keeps a fetched value right. */
export interface Feeding<Events, Value> {
  on: On<Events, Value>
  /** The id of the last event that a fetched value contains; `null`: not known. Default: of none it is known. */
  position?: (value: Value) => string | null
}

/** Whose events. */
export interface OfStream {
  /** A handle, whose events count in place of the stream's; `null`: there is none yet. */
  topic?: undefined
}
export interface OfTopic<TopicEvents> {
  topic: Topic<TopicEvents> | null
}

// biome-ignore lint/suspicious/noExplicitAny: any stream may have the topic
export type AnyStream = Stream<any, any>

/** @returns `null` while there is no stream, or no handle */
export const fedOf = (
  stream: unknown,
  { on, position, topic }: Pick<Feeding<never, unknown>, 'on'> & { position?: unknown; topic?: unknown },
  key: unknown,
  load: Fed['load'],
): Fed | null => {
  const source = topic === undefined ? stream : topic
  if (stream === null || source === null) return null
  return {
    ...{ stream: stream as Sharing, source: source as Source, key, load },
    ...{ on: on as Fed['on'], position: position as Fed['position'] },
  }
}
