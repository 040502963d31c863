import type { ClaimRun } from './claims.ts'
import type { Control, TopicRecords } from './control.ts'
import type { Cursor, Follow, Types } from './events.ts'
import type { ErrorKind, Status } from './status.ts'

export interface Metrics {
  connectionsAttempted: number
  connectionsSuccessful: number
  reconnections: number
  eventsReceived: { total: number; byType: Record<string, number> }
  duplicatesDropped: number
  /** Events of topics that were not asked for, or not granted (TO7). */
  unaskedDropped: number
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
  /** From the hub's receipt to a tab's acknowledgement, over the last 512 batches to tabs that are not slowed by `hidden`, in ms. */
  deliveryLatency: { p50: number; p99: number }
  tabs: number
}

export interface SessionInspection {
  tab: string
  cursor: Cursor
  /** Events that the log has beyond the cursor. */
  lag: number
  follows: Follow
  /** The types whose events do not wait while the tab is hidden (H1). */
  urgent: Types
  /** `held-back`: the tab is hidden, and what it lacks waits for its next delivery (H1). */
  state: 'idle' | 'held-back' | 'delivering' | 'stalled'
  visible: boolean
  /** In ms since 1970. */
  attachedAt: number
  lastAckAt: number | null
}

/** A claim of this browser (C1). */
export interface ClaimInspection {
  /** `null`: of the events without a topic. */
  topic: string | null
  /** `'*'`: all types. */
  type: string
  /** `null`: none was given. */
  name: string | null
  /** All events up to this seq are settled. */
  after: number
  /** The run that goes on; `null`: none does. */
  run: ClaimRun | null
  /** The tabs of this hub that have the claim, by their ids. */
  tabs: string[]
}

/** A load of all tabs of one hub (ST5), or what one gave. */
export interface SharedLoadInspection {
  /** What kind of load it is, its topic and the application's name of it, one a line. */
  key: string
  /** `waiting`: for the stream to be open, or for the topic to be live. `kept`: its value is there for who asks next. */
  state: 'waiting' | 'running' | 'kept'
  /** How many tabs want it. */
  tabs: number
  /** The log's head when the load began; `null`: it has not. */
  seq: number | null
  /** Of the value that is kept, in characters, about. */
  size: number | null
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
  /** `null`: none. */
  topic: string | null
  /** What the entry says of its topic; `null`: it is an event. */
  control: Control['is'] | null
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
  claims: ClaimInspection[]
  log: {
    epoch: string
    first: number
    head: number
    committed: number
    durable: boolean
    lastEventId: string
    /** How many events outlive trimming, as the newest of their topic and type (ST3). */
    newest: number
    /** The topics that the log has, or knows to be refused, since which seq. */
    topics: TopicRecords
  }
  /** What tabs load together: what is under way, and then what is kept, the oldest first. */
  loads: SharedLoadInspection[]
  /** What was asked for (`InspectOptions`), the oldest first. */
  timeline: Happening[]
  heads: EventHead[]
  /** As it came; `null`: not asked for, or no longer in the log. */
  data: string | null
}
