import type { StreamEvent } from './delivery/listeners.ts'
import type { TypeOf } from './stream.ts'

/** An event with its payload, as `events()` and `history()` give it. */
export type Received<Events, Type extends TypeOf<Events> = TypeOf<Events>> = {
  [Each in Type]: StreamEvent<Each> & { payload: Events[Each] }
}[Type]

export interface HistoryOptions<Type extends string> {
  /** Default: all types. */
  type?: Type
  /** How many, the newest: 1 to 1,000, together 1 MiB at most. Default 50, and 1,000 with `after`. */
  last?: number
  /** Only those after the event with this id. Where the log does not have that event, all that it has. */
  after?: string
  signal?: AbortSignal
}
