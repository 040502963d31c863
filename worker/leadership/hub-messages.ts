import type { LoggedEvent } from '../../src/shared/events.ts'
import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import type { LogPoint } from '../log/log-point.ts'
import type { RecordInfo } from '../log/record-index.ts'
import type { Position } from '../log/store.ts'

/** What a follower's tab may ask of the leader's connection. */
export type Ask = 'retry' | 'nudge' | 'welcome' | 'drop'

/** What hubs of one key say to each other (L2). What the leader says carries its term: the fencing token. */
export type RelayMessage =
  /** A follower is here. The leader answers `lead`. */
  | { type: 'hello' }
  /**
   * Somebody has the lock, and reads the log first. Where another has one as well, since locks do not reach from
   * one to the other, the higher claim goes on: above the term up to which the log is known.
   */
  | { type: 'taking'; claim: number }
  /** Who knows more says where the log stood, lest it be begun anew, or go on under a term that is over (L3). */
  | ({ type: 'known' } & LogPoint)
  /** Sign of life, and where the leader's log stands. */
  | { type: 'lead'; term: number; position: Position; first: number; status: ConnectionStatus }
  | { type: 'events'; term: number; epoch: string; after: number; events: LoggedEvent[]; lastEventId: string }
  | { type: 'committed'; term: number; epoch: string; upTo: number; records: RecordInfo[]; first: number }
  | { type: 'status'; term: number; status: ConnectionStatus }
  | { type: 'error'; term: number; error: ErrorData }
  /** A follower lacks what comes after `after`. */
  | { type: 'want'; epoch: string; after: number }
  /** A follower's tab asks for the stream. */
  | { type: 'ask'; what: Ask }
  /** The user has signed out: whoever hears it ends, and forgets (A4). */
  | { type: 'sign-out' }

/**
 * What crosses the channel. `protocol` stands in every message, in this place, in every version for ever: all
 * versions share the channel, and it is all that a hub reads of a message of another one (T4).
 */
export type Relayed = RelayMessage & { protocol: number }
