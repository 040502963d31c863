/**
 * What crosses the port between a tab and a hub. Failures cross as data: comlink drops an error's own fields.
 */

import type { ClaimsState, ClaimWords } from './claims.ts'
import type { Control } from './control.ts'
import type { Cursor, Follow, From, LoggedEvent, ResetReason, Types } from './events.ts'
import type { HubOptions } from './hub-options.ts'
import type { Inspection, InspectOptions, Metrics } from './inspection.ts'
import type { PackedEvents } from './packed-events.ts'
import type { ErrorData, Status } from './status.ts'

/** The version of this file: each incompatible change below raises it. A hub refuses a tab of another version (T4). */
export const PROTOCOL = 2

/** A leader, by its random id, and where its part of the log begins: after this seq, and after this last event ID. */
export interface LeaderRecord {
  leader: string
  startsAfter: number
  lastEventId: string
}

/**
 * What a tab knows of its log: what the last welcome or batch said. Beyond `committedUpTo`, a seq means something
 * only together with the leader that gave it: the next leader may give it to another event (L3).
 */
export interface Lineage {
  /** The term of the log's leader; 0: the hub knew of no leader. */
  term: number
  /** The last leaders of the log, the newest at the end. */
  leaders: LeaderRecord[]
  committedUpTo: number
  /** The last event ID at the tab's cursor; `null`: not known. A hub that can't read a log goes on after it. */
  lastEventId: string | null
  /**
   * Sent as `Stream-Client` (R6). A hub that hangs can't close its stream: the next hub's request replaces it by
   * this.
   */
  streamClient: string
}

/** A delivery: the events that the tab follows out of `(cursor, to]`. */
export interface Batch {
  epoch: string
  /** The tab's cursor once it has taken the batch: beyond its last event if the tab does not follow what comes then. */
  to: number
  /** As in `Lineage`. */
  term: number
  /** As in `Lineage`; `null`: the same as with the batch before. */
  leaders: LeaderRecord[] | null
  /** The log is committed up to this seq. The next hub may deliver again what lies beyond (D2). */
  committedUpTo: number
  /** The last event ID at `to`. */
  lastEventId: string | null
  streamClient: string
  /**
   * Another leader took over, whose log goes on from this seq. Events that the tab has had beyond it may come again.
   */
  rewind: { seq: number; id: string | null } | null
  /** The reset that the application is told before the events; `null`: none. */
  reset: ResetReason | null
  /**
   * What the tab is told of its topics at its cursor, after the reset and before the events; `null`: nothing. It may
   * know it already.
   */
  topics: Record<string, Control> | null
  events: LoggedEvent[]
}

export type PackedBatch = Omit<Batch, 'events'> & { events: PackedEvents }

export interface Hello {
  protocol: number
  /** The random id of this attachment (`newTabId`). A page that comes back from the cache has another one. */
  tab: string
  /** Of the stream (A3, `keyOf`). */
  key: string
  options: HubOptions
  /** Where a tab goes on that was attached before; `null`: the tab is new, and `from` counts. */
  cursor: Cursor | null
  lineage: Lineage | null
  from: From
  /** When the page connected, in ms since 1970: what `'now'` means. */
  since: number
  follow: Follow
  /** The types whose events reach the tab at once even while it is hidden (H1). */
  urgent: Types
  visible: boolean
}

/** The answer to `ping`. `attached: false`: this port has no session at the hub, which may be another one by now. */
export interface Pong {
  incarnation: string
  attached: boolean
}

export type Welcome =
  | {
      ok: true
      incarnation: string
      cursor: Cursor
      /** What the tab is to know of the log from here on. */
      lineage: Lineage
      /**
       * Whether the hub sees the tab's lock. When site data is cleared, Chromium parts the lock managers of what is
       * open from those of what opens later. Locks say nothing there, and pings have to do.
       */
      locks: boolean
      status: Status
      differing: (keyof HubOptions)[]
    }
  | { ok: false; error: ErrorData }

/**
 * A place in the log, and the log's last leader. Beyond what is committed, a seq means something only together with it
 * (L3). `null`: the hub knows of no leader.
 */
export interface Place extends Cursor {
  leader: string | null
}

/** What a tab asks of the log: events that it may have (ST1). */
export interface ReadRequest {
  /** `null`: the events without a topic. */
  topic: string | null
  types: Types
  /** The newest so many; those after the event with this id; those after this place. */
  from: { last: number } | { after: string } | { behind: Cursor }
}

export interface ReadAnswer {
  /**
   * Up to where the events go. The hub has sent the tab all that the tab follows up to there before this answer. It sends
   * what comes later live, some of it perhaps before this answer too.
   */
  cursor: Place
  /** The newest 1,000 at most, or 1 MiB. */
  events: PackedEvents
  /** `false`: events are left out between `from` and these. It is always `true` for `last`. */
  isWhole: boolean
}

/** What a caller of a shared load needs (ST5). */
export interface ShareNeed {
  /** A load that began at this place or later will do; `null`: any that is under way, or kept. */
  at: Cursor | null
  /**
   * Whether the value of a load that is over will do, and is kept. `event`: for 60 s. `state`: as long as the log has what
   * came after the load began.
   */
  kept: 'none' | 'event' | 'state'
  /** A load of `state` waits until the stream is open, and this topic live. `null`: for no topic. */
  topic: string | null
}

export interface ShareError {
  name: string
  message: string
}

export type ShareAnswer =
  /** This tab is to run the load, which begins at this place, and to tell the outcome (`shared`). */
  | { is: 'run'; load: string; place: Place }
  | { is: 'value'; value: unknown; place: Place }
  | { is: 'error'; error: ShareError }

export type ShareOutcome = { ok: true; value: unknown } | { ok: false; error: ShareError }

/** What a hub exposes to one tab. A hub that has ended the tab's session answers no call of it: the next hub does. */
export interface HubApi {
  attach(hello: Hello): Promise<Welcome>
  /** @param urgent as in `Hello` */
  follow(follow: Follow, urgent: Types): void
  visible(visible: boolean): void
  ping(): Pong
  reconnect(): void
  metrics(): Metrics
  inspect(what?: InspectOptions): Promise<Inspection>
  read(what: ReadRequest): Promise<ReadAnswer>
  /**
   * Resolves once the hub has sent the tab all that the tab follows up to the event with this id.
   *
   * @param within ms
   * @returns the event's place; `null`: it did not come in time
   */
  place(id: string, within: number): Promise<Place | null>
  /** Answers once a load of all tabs has given a value, or once this tab is to run it. @param key 500 characters at most */
  share(key: string, need: ShareNeed): Promise<ShareAnswer>
  /** What became of the load that this tab was to run. */
  shared(load: string, outcome: ShareOutcome): void
  /** No caller of this tab wants the key any more. */
  unshare(key: string): void
  /** Resolves `true` once no tab wants this load any more, `false` once it is settled, or another tab runs it. */
  unwanted(load: string): Promise<boolean>
  dropLog(): void
  /**
   * Tells where the page stands with all of its claims. @returns what the page is told next of them, however long that
   * takes; nothing, once the page has told more
   */
  claims(state: ClaimsState): Promise<ClaimWords>
  /** Ends the stream in every hub and tab of the key (A4). @returns what the hub could not make sure of */
  signOut(): Promise<ErrorData | null>
  /** Settles as the sign-out does that another tab has begun. If none is under way, it settles at once. */
  signedOut(): Promise<ErrorData | null>
}

/** A token, or why there is none. No other credential crosses a port, and this one only towards the hub (A1). */
export type TokenAnswer =
  /** `user`: whose token it is, where the application can tell (A3). */
  | { ok: true; token: string; user?: string | null }
  /** `again`: there may be a token in a while, for example once the application reaches its own server again. */
  | { ok: false; message: string; again?: true }

/** What a tab exposes to its hub. */
export interface TabApi {
  /**
   * Resolves once the listeners have run: the acknowledgement. Rejects where the tab lacks the batch before this one.
   *
   * @param number counts this tab's batches, from 1. A batch that is sent again has its number again.
   * @param mayWait the acknowledgement may wait for the next one, a second at most
   */
  deliver(batch: PackedBatch, number: number, mayWait: boolean): Promise<void>
  status(status: Status): void
  error(error: ErrorData): void
  accessToken(): Promise<TokenAnswer>
  /** Another tab has signed out: the hub delivers nothing more (A4). */
  signOut(): void
}
