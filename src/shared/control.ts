import type { LoggedEvent, ResetReason } from './events.ts'
import type { ErrorData } from './status.ts'

/**
 * What an entry of the log says of one topic. Such an entry takes a seq, and is committed, relayed, trimmed and delivered
 * as an event is, but no listener hears it. So a change of a topic has its place among the events, for each tab and hub.
 */
export type Control =
  /** From here on the log has all events of the topic. `confirmed`: the server said so, and did not merely answer 200. */
  | { is: 'live'; confirmed: boolean }
  /** From here on the log has no events of the topic. */
  | { is: 'left' }
  /** The server refuses the topic, or there are too many. */
  | { is: 'refused'; error: ErrorData }
  /** Events of this topic alone may be missing before this place. */
  | { is: 'reset'; reason: ResetReason }

/**
 * What a log knows of a topic: the control that holds, and its seq. `resetAt`: the seq of the last reset of this topic
 * alone. Left out: there was none while the control held.
 */
export type TopicRecord = Extract<Control, { is: 'live' | 'refused' }> & { since: number; resetAt?: number }

/** The topics that a log knows of, by name. A record is never changed, only replaced: a commit under way holds it. */
export type TopicRecords = Readonly<Record<string, TopicRecord>>

export const isControl = ({ type }: Pick<LoggedEvent, 'type'>): boolean => type === ''

export const controlOf = ({ data }: Pick<LoggedEvent, 'data'>): Control => JSON.parse(data)

/** What `topics` says of this one; `undefined`: nothing. A topic may be called `constructor`. */
export const ownOf = <Value>(
  topics: Readonly<Record<string, Value>> | undefined,
  name: string,
): Value | undefined => (topics !== undefined && Object.hasOwn(topics, name) ? topics[name] : undefined)
