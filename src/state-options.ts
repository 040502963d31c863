import type { StreamEvent } from './delivery/listeners.ts'
import type { Snapshot } from './snapshot.ts'
import type { Off, TypeOf } from './stream.ts'

export interface StateOptions<Events, Value> {
  /** Names the load: one for all tabs. 1 to 200 characters. */
  key: string
  /**
   * Fetches the value from your server; structured-cloneable. One tab runs it for all of them. Where it rejects, it
   * is run again after 1 s, and ever more seldom, at most once a minute. `signal` aborts once no tab wants the value.
   */
  load(context: { signal: AbortSignal }): Promise<Value | Snapshot<Value>>
  /** A reducer for each event type: what an event makes of the value. It must not change the value that it is given. */
  on: { [Type in TypeOf<Events>]?: (value: Value, payload: Events[Type], event: StreamEvent<Type>) => Value }
}

/** What `state()` shows. A new object whenever it changes. */
export type StateCurrent<Value> =
  | { status: 'loading'; value: undefined; error: null }
  /** All events that this tab was told are in it. */
  | { status: 'live'; value: Value; error: null }
  /** From before a reset. `error`: why the new load failed last, which is tried again; `null`: it is under way. */
  | { status: 'stale'; value: Value; error: unknown }
  /** There was no value yet. The load is tried again. */
  | { status: 'failed'; value: undefined; error: unknown }
  /** `close()`, the topic's `leave()`, the stream's `close()` or a sign-out. */
  | { status: 'closed'; value: undefined; error: null }

/** A value of the server's that events keep right (`stream.state`). */
export interface State<Value> {
  readonly current: StateCurrent<Value>
  /** Hears every change of `current`. */
  onChange(listener: (current: StateCurrent<Value>) => void): Off
  /** Loads anew, in this tab. The present value is shown, and follows the events, until then. */
  reload(): void
  close(): void
}
