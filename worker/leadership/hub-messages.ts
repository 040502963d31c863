import type { ClaimPage, ClaimRecords, ClaimWord } from '../../src/shared/claims.ts'
import type { LoggedEvent } from '../../src/shared/events.ts'
import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import type { LogPoint } from '../log/log-point.ts'
import type { RecordInfo } from '../log/record-index.ts'
import type { Position } from '../log/store.ts'

/** What a follower's tab may tell the leader's connection to do. */
export type StreamCommand = 'retry' | 'nudge' | 'welcome' | 'drop' | 'askAgain'

/** What a follower says to the leader (L2). */
export type FromFollower =
  /**
   * A hub has come. A leader answers `leading`, and a hub that is claiming answers `claim`. Neither waits, since a
   * hub that knows of no log is about to begin one (L5).
   */
  | { type: 'who-leads' }
  /**
   * A follower is here. The answers are the same as to `who-leads`, but one `leading` serves all that say hello at
   * once. `topics`: what the tabs of the follower want. `inView`: a tab of this hub is in view (H2); a follower says so
   * once a beat. `claimants`: the pages that have claims; left out: there are none.
   */
  | { type: 'hello'; hub: string; topics: string[]; inView?: true; claimants?: ClaimPage[] }
  /** A page of the follower has said something of its claims, or is gone. */
  | { type: 'claimants'; hub: string; claimants: ClaimPage[] }
  /** The follower has no event after `after`, and needs them. The leader answers with `events`. */
  | { type: 'missing'; epoch: string; after: number }
  | { type: 'command'; command: StreamCommand }

/** What a leader says to its followers (L2). Each message carries the leader's term: the fencing token (L3). */
export type FromLeader =
  /** The leader lives, and its log stands here. `first`: seq of the oldest event in it. */
  | { type: 'leading'; term: number; position: Position; first: number; status: ConnectionStatus }
  | { type: 'events'; term: number; epoch: string; after: number; events: LoggedEvent[]; lastEventId: string }
  | { type: 'committed'; term: number; epoch: string; upTo: number; records: RecordInfo[]; first: number }
  | { type: 'status'; term: number; status: ConnectionStatus }
  | { type: 'error'; term: number; error: ErrorData }
  /** The leader has changed accounts of claims. */
  | { type: 'claims'; term: number; epoch: string; claims: ClaimRecords }
  /** What a page of this hub is told of one of its claims. */
  | { type: 'claim-word'; term: number; hub: string; page: string; key: string; word: ClaimWord }

/** What any hub may say to any other. */
export type FromAnyHub =
  /**
   * The sender holds a lock, and reads the log before it leads. Two hubs may each hold a lock, where neither sees the
   * other's locks. The hub with the higher claim goes on (L5). A claim is above the term of the sender's log.
   */
  | { type: 'claim'; claim: number }
  /** The sender knows of a newer log than the hub that claims or leads, and says where that log stood (L3). */
  | ({ type: 'newer-log' } & LogPoint)
  /** The user has signed out: each hub that hears this ends its stream, and forgets tokens and events (A4). */
  | { type: 'sign-out' }

/** What hubs of one key say to each other. */
export type HubMessage = FromFollower | FromLeader | FromAnyHub

/**
 * What crosses the channel. Each version of the library must send `protocol` in this place: all versions share the
 * channel, and a hub reads nothing else of another version's message (T4).
 */
export type Relayed = HubMessage & { protocol: number }

/** One function for each type of message that `Message` allows. The caller ignores what the function returns. */
export type Receiver<Message extends HubMessage> = {
  [Type in Message['type']]: (message: Extract<Message, { type: Type }>) => unknown
}
