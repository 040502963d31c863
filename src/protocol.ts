/**
 * Everything that crosses the port between a tab and a hub. Imports nothing, so that either side can be
 * read, tested and replaced without the other. Failures cross as data: comlink drops an error's own fields.
 */

/** Raised with every incompatible change below. A hub refuses a tab of another version (T4). */
export const PROTOCOL = 1

/** Starts the name of every worker, lock and database, so that an origin's other ones are left alone. */
export const PREFIX = 'tabstream:'

/**
 * What a stream belongs to (A3). Names the worker, the log's database and the locks. A stream that is verified
 * shares neither worker nor log with one that is not, as that of an older deploy may be (A5).
 */
export const keyOf = (url: string, user: string | null, verify: Verify | null = null): string =>
  `${PREFIX}${user === null ? '' : encodeURIComponent(user)}@${url}${verify === null ? '' : `#${JSON.stringify(verify)}`}`

/** Held by a tab for as long as its session lives; the hub queues for it to learn of the tab's death (T1). */
export const tabLock = (tab: string): string => `${PREFIX}tab:${tab}`

/** Held by a hub for as long as it lives; each of its tabs queues for it to learn of its death (T2). */
export const hubLock = (incarnation: string): string => `${PREFIX}hub:${incarnation}`

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
  /** Somebody dropped the log: `dropLog()` (I2). */
  | 'dropped'

/** The last event that a tab has taken: a place in one log. */
export interface Cursor {
  epoch: string
  seq: number
}

/** A leader, by its random id, and where it went on with the log: after which seq, and which last event ID. */
export interface Base {
  leader: string
  base: number
  id: string
}

/**
 * What the last batch said beside its events. Beyond `durable`, a seq means something only together with the
 * leader that gave it: the next one may give it to another event (L3).
 */
export interface Trail {
  /** Counts the leaders; 0: the hub knew of none. */
  term: number
  /** The last of them, the newest at the end. */
  bases: Base[]
  durable: number
  /** The last event ID at the tab's cursor; `null`: not known. Of use to a hub that can read no log. */
  id: string | null
  /** What the stream's requests are known by (R6): a hub that hangs can't close its stream, which this replaces. */
  streamClient: string
}

/** Where a tab without a cursor starts (D5). */
export type From = 'now' | 'start' | { last: number } | { after: string }

/** The event types that a tab listens to; `'*'` is all of them. */
export type Follow = '*' | string[]

export interface LoggedEvent {
  seq: number
  /** The last event ID when the event was dispatched (HTML Standard, 9.2.6); `''` if there was none. */
  id: string
  /** Whether the event carried the id itself. Only such an event can be sent again, or recognised (D3). */
  own: boolean
  type: string
  data: string
  /** When the hub received it, in ms since 1970. */
  at: number
}

/** A delivery: the events that the tab follows out of `(cursor, to]`. */
export interface Batch {
  epoch: string
  /** The tab's cursor once it has taken the batch. May lie beyond the last event: the rest was filtered. */
  to: number
  /** Whose log it comes from: see `Trail`; `null`: the same leaders' as the batch before. */
  term: number
  bases: Base[] | null
  /** The log is committed up to this seq. What lies beyond may come again from the next hub (D2). */
  durable: number
  /** The last event ID at `to`. */
  id: string | null
  streamClient: string
  /** Another leader took over, whose log goes on from this seq: what the tab has had beyond it may come again. */
  rewind: { seq: number; id: string | null } | null
  /** Told to the application before the events. */
  reset: ResetReason | null
  events: LoggedEvent[]
}

/**
 * Events as they cross the port. A list of objects costs four times as much to clone, and one list serves all tabs
 * that follow the same.
 */
export interface PackedEvents {
  /**
   * Four an event: by how much its seq and its time are beyond those of the one before, twice the index of its type
   * (plus one: the id is its own), and the length of its data.
   */
  numbers: number[]
  types: string[]
  /** Not in `text`: an id that an application keeps would keep all of that alive. */
  ids: string[]
  /** The data, one after the other. */
  text: string
}

export type PackedBatch = Omit<Batch, 'events'> & { events: PackedEvents }

export type ErrorKind =
  | 'network'
  | 'auth'
  | 'limit'
  | 'http'
  | 'protocol'
  | 'stale'
  | 'too-large'
  | 'signature'
  | 'validation'
  | 'storage'
  | 'worker'
  | 'superseded'

export type StreamState =
  | 'idle'
  | 'connecting'
  | 'open'
  | 'waiting'
  | 'offline'
  | 'unauthorized'
  | 'superseded'
  | 'failed'
  | 'closed'

/** A `StreamError` as it crosses the port. */
export interface ErrorData {
  kind: ErrorKind
  /** What happened, and what to do about it. Never holds a credential (A1). */
  message: string
  /** Whether the library goes on trying by itself. */
  retryable: boolean
  /** The stream's state right after. */
  state: StreamState
  /** Attempts in a row without 10 s of health, this one included. */
  attempt: number
  /** The HTTP status, where there was one. */
  status: number | null
  lastEventId: string
  /** In ms since 1970. */
  at: number
  /** The platform's own words, where there are any. */
  cause: string | null
}

export interface Status {
  state: StreamState
  /** What runs the hub. */
  host: 'shared-worker' | 'worker'
  role: 'leader' | 'follower'
  /** Attempts in a row without 10 s of health. */
  attempt: number
  /** While waiting: when the next attempt is due, in ms since 1970. */
  nextAttemptAt: number | null
  /** When `state` was entered, in ms since 1970. */
  since: number
  /** `degraded`: no byte for `heartbeat.timeout` (S3). */
  health: 'good' | 'degraded'
  /** What the server said of the last resumption (D7); `fresh`: there was nothing to resume. */
  resume: 'fresh' | 'continued' | 'unconfirmed' | 'reset'
  /** Whether events are committed to IndexedDB; `false`: memory only (D2). */
  durable: boolean
  /** Tabs that this hub serves. */
  tabs: number
  lastEventId: string
  /** The error that led to the present state. */
  error: ErrorData | null
}

export interface Metrics {
  connectionsAttempted: number
  connectionsSuccessful: number
  reconnections: number
  eventsReceived: { total: number; byType: Record<string, number> }
  duplicatesDropped: number
  bytesReceived: number
  errors: { total: number; byKind: Partial<Record<ErrorKind, number>> }
  /** ms */
  averageConnectionDuration: number
  /** From the loss of a stream to the next one open, in ms. */
  averageReconnectionTime: number
  missedHeartbeats: number
  /** When the last byte of the stream that stands came, in ms since 1970; `null`: none has, or none stands. */
  lastByteAt: number | null
  /** The longest time between two bytes of a stream, or between the last one and its end, in ms. */
  longestSilence: number
  resets: number
  /** From the hub's receipt to a tab's acknowledgement, over the last 512 batches, in ms. */
  deliveryLatency: { p50: number; p99: number }
  tabs: number
}

export interface SessionInspection {
  tab: string
  cursor: Cursor
  /** Events that the log has beyond the cursor. */
  lag: number
  follows: Follow
  state: 'idle' | 'delivering' | 'stalled'
  visible: boolean
  /** In ms since 1970. */
  attachedAt: number
  lastAckAt: number | null
}

/** Something that happened to a hub: an entry of its time line (I1). */
export interface Happening {
  /** In ms since 1970. */
  at: number
  /** A part of the status that changed, an `error`, a `reset` that tabs were told, or the `hub` or a `tab` itself. */
  what: 'hub' | 'tab' | 'error' | 'reset' | 'state' | 'role' | 'health' | 'resume' | 'durable'
  /** What it came to: the new value, the kind or reason; `began`, `came` or `went`. */
  is: string
  /** Of an error its message, of a hub or a tab its id. */
  note: string
  /** How often in a row. */
  times: number
}

/** An event of the log without its payload. */
export interface EventHead {
  seq: number
  id: string
  type: string
  /** When the hub received it, in ms since 1970. */
  at: number
  /** Of its data, in characters. */
  size: number
}

/** What `inspect()` tells beside what it always does: nothing of it by default. */
export interface InspectOptions {
  /** So many of the newest entries of the time line; the hub keeps 200. */
  timeline?: number
  /** The heads of the newest `last` events of the log (at most 500) with `after` < seq < `before`. */
  heads?: { last: number; after?: number; before?: number }
  /** The payload of the event with this seq. */
  data?: number
}

/** A snapshot for people; holds no credential (A1), and no payload but one that was asked for. */
export interface Inspection {
  protocol: number
  /** The random id of this run of the hub. */
  incarnation: string
  /** The random id of the tab that asks, as in `sessions`. */
  tab: string
  key: string
  status: Status
  sessions: SessionInspection[]
  log: {
    epoch: string
    first: number
    head: number
    committed: number
    durable: boolean
    lastEventId: string
  }
  /** What was asked for (`InspectOptions`), the oldest first. */
  timeline: Happening[]
  heads: EventHead[]
  /** As it came; `null`: not asked for, or no longer in the log. */
  data: string | null
}

/** Which events must be signed, and by whom (A5). */
export interface Verify {
  jwks: string
  audience: string
  /** Sorted. */
  types: string[]
}

/** The options that the hub works by. The first tab of a key sets them; a later tab's must agree. */
export interface HubOptions {
  url: string
  user: string | null
  auth: { exchange: string | null } | null
  withCredentials: boolean
  /** The application's own, for the stream's request. */
  headers: Record<string, string>
  resume: 'lenient' | 'strict'
  heartbeat: { timeout: number; misses: number }
  log: { events: number; bytes: number; age: number }
  maxEventSize: number
  coalesce: number
  verify: Verify | null
}

export interface Hello {
  protocol: number
  /** The random id of this attachment (`tabAt`): a page that comes back from the cache has another. */
  tab: string
  options: HubOptions
  /** Where a tab that was attached before goes on; `null`: it is new, and `from` counts. */
  cursor: Cursor | null
  trail: Trail | null
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
      trail: Trail
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
}

/** A token, or why there is none. The only credential that crosses a port, and only towards the hub (A1). */
export type TokenAnswer =
  | { ok: true; token: string }
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
