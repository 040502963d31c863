/** Why continuity could not be kept (D1, D4, D7). */
export type ResetReason =
  /** The tab was away for longer than the log reaches back, or `from: { after }` names an event it lacks. */
  | 'fell-behind'
  /** The server said so: `Stream-Resume: reset`, or an event `stream.reset` (R4). */
  | 'server'
  /** The server no longer knows the position: 410 (S6). */
  | 'position-lost'
  /** The log that the tab's cursor counts in is gone. */
  | 'log-lost'
  /** The server said nothing of the resumption, and `resume: 'strict'` does not believe it (D7). */
  | 'unconfirmed'
  /** An event was larger than `maxEventSize`, and was skipped (B1). */
  | 'too-large'
  /** Somebody dropped the log: `dropLog()` (I2). */
  | 'dropped'

/** A place in one log: the last event that a tab has taken. */
export interface Cursor {
  epoch: string
  seq: number
}

/** Where a tab without a cursor starts (D5). */
export type From = 'now' | 'start' | { last: number } | { after: string }

/** The event types that a tab listens to; `'*'`: all of them. */
export type Follow = '*' | string[]

/** A key that is equal for the same types in the same order, and for no others. It is JSON: a type may hold a comma. */
export const followKey = (follow: Follow): string => (follow === '*' ? '*' : JSON.stringify(follow))

export interface LoggedEvent {
  seq: number
  /** The last event ID when the event was dispatched (HTML Standard, 9.2.6); `''` if there was none. */
  id: string
  /** Whether the event carried the id itself. Only such an event can be sent again, or recognised (D3). */
  hasOwnId: boolean
  type: string
  data: string
  /** When the hub received it, in ms since 1970. */
  at: number
}
