/**
 * What crosses the port between a tab and a hub. Failures cross as data: comlink drops an error's own fields.
 */

import type { Cursor, Follow, From, LoggedEvent, ResetReason } from './events.ts'
import type { HubOptions } from './hub-options.ts'
import type { Inspection, InspectOptions, Metrics } from './inspection.ts'
import type { PackedEvents } from './packed-events.ts'
import type { ErrorData, Status } from './status.ts'

/** Raised with every incompatible change below. A hub refuses a tab of another version (T4). */
export const PROTOCOL = 1

/** A leader, by its random id, and where it went on with the log: after which seq, and which last event ID. */
export interface LeaderRecord {
  leader: string
  startsAfter: number
  lastEventId: string
}

/**
 * What the last batch said beside its events. Beyond `durable`, a seq means something only together with the
 * leader that gave it: the next one may give it to another event (L3).
 */
export interface Lineage {
  /** Counts the leaders; 0: the hub knew of none. */
  term: number
  /** The last of them, the newest at the end. */
  leaders: LeaderRecord[]
  committedUpTo: number
  /** The last event ID at the tab's cursor; `null`: not known. Of use to a hub that can read no log. */
  lastEventId: string | null
  /** What the stream's requests are known by (R6): a hub that hangs can't close its stream, which this replaces. */
  streamClient: string
}

/** A delivery: the events that the tab follows out of `(cursor, to]`. */
export interface Batch {
  epoch: string
  /** The tab's cursor once it has taken the batch. May lie beyond the last event: the rest was filtered. */
  to: number
  /** Whose log it comes from: see `Lineage`; `null`: the same leaders' as the batch before. */
  term: number
  leaders: LeaderRecord[] | null
  /** The log is committed up to this seq. What lies beyond may come again from the next hub (D2). */
  committedUpTo: number
  /** The last event ID at `to`. */
  lastEventId: string | null
  streamClient: string
  /** Another leader took over, whose log goes on from this seq: what the tab has had beyond it may come again. */
  rewind: { seq: number; id: string | null } | null
  /** Told to the application before the events. */
  reset: ResetReason | null
  events: LoggedEvent[]
}

export type PackedBatch = Omit<Batch, 'events'> & { events: PackedEvents }

export interface Hello {
  protocol: number
  /** The random id of this attachment (`tabAt`): a page that comes back from the cache has another. */
  tab: string
  /** Of the stream (A3, `keyOf`). */
  key: string
  options: HubOptions
  /** Where a tab that was attached before goes on; `null`: it is new, and `from` counts. */
  cursor: Cursor | null
  lineage: Lineage | null
  from: From
  /** When the page connected, in ms since 1970: what `'now'` means. */
  since: number
  follow: Follow
  visible: boolean
}

/** The answer to `ping`. `attached: false`: the hub has no session for this port, or is another by now. */
export interface Pong {
  incarnation: string
  attached: boolean
}

export type Welcome =
  | {
      ok: true
      incarnation: string
      cursor: Cursor
      /** For a tab that has none yet. */
      lineage: Lineage
      /**
       * Whether the hub sees the tab's lock. Clearing an origin's site data parts the lock managers of what was
       * open then from those of what opens later (Chromium): locks say nothing there, and pings have to do.
       */
      locks: boolean
      status: Status
      differing: (keyof HubOptions)[]
    }
  | { ok: false; error: ErrorData }

/** What a hub exposes to one tab. */
export interface HubApi {
  attach(hello: Hello): Promise<Welcome>
  follow(follow: Follow): void
  visible(visible: boolean): void
  ping(): Pong
  reconnect(): void
  metrics(): Metrics
  inspect(what?: InspectOptions): Promise<Inspection>
  dropLog(): void
  /** Ends the stream in every hub and tab of the key (A4). @returns what could not be made sure of */
  signOut(): Promise<ErrorData | null>
  /** Settles as the sign-out that is under way, which another tab has asked for; at once if there is none. */
  signedOut(): Promise<ErrorData | null>
}

/** A token, or why there is none. The only credential that crosses a port, and only towards the hub (A1). */
export type TokenAnswer =
  /** `user`: whose token it is, where the application can tell (A3). */
  | { ok: true; token: string; user?: string | null }
  /** `again`: there may be one in a while, as where the application cannot reach its own server. */
  | { ok: false; message: string; again?: true }

/** What a tab exposes to its hub. */
export interface TabApi {
  /** Resolves once the listeners have run: the acknowledgement. */
  deliver(batch: PackedBatch): Promise<void>
  status(status: Status): void
  error(error: ErrorData): void
  accessToken(): Promise<TokenAnswer>
  /** Another tab has signed out: nothing comes any more (A4). */
  signOut(): void
}
