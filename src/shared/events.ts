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
  /** A topic that was live, was not for a while, and is again (TO2). */
  | 'rejoined'

/** A place in one log: the last event that a tab has taken. */
export interface Cursor {
  epoch: string
  seq: number
}

/** Where a tab without a cursor starts (D5). */
export type From = 'now' | 'start' | { last: number } | { after: string }

/** Event types; `'*'`: all of them. */
export type Types = '*' | string[]

/** What a tab listens to. */
export interface Follow {
  /** Of the events without a topic. */
  types: Types
  /** The topics that the tab has joined, and the types that it listens to in each of them. */
  topics: Record<string, Types>
}

/** A key that is equal for the same types and topics in the same order, and for no others. */
export const followKey = (follow: Follow): string => JSON.stringify(follow)

/** Whether a tab that follows `types` listens to this type. */
export const hasType = (types: Types, type: string): boolean => types === '*' || types.includes(type)

export interface LoggedEvent {
  seq: number
  /** The last event ID when the event was dispatched (HTML Standard, 9.2.6); `''` if there was none. */
  id: string
  /** Whether the event carried the id itself. Only such an event can be sent again, or recognised (D3). */
  hasOwnId: boolean
  /** `''`: this entry is no event, but a `Control` of its topic. The type of an event is never empty (9.2.6). */
  type: string
  data: string
  /** When the hub received it, in ms since 1970. */
  at: number
  /** `null`: none. */
  topic: string | null
}
