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
  | 'topic'
  | 'claim'

export type StreamState =
  /** There is no stream: no worker has answered yet, or no tab has been in view for `hidden.release` (H2). */
  'idle' | 'connecting' | 'open' | 'waiting' | 'offline' | 'unauthorized' | 'superseded' | 'failed' | 'closed'

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
  /** The topic that the error is about; `null`: it is about no topic. */
  topic: string | null
}

export interface Status {
  state: StreamState
  /** What runs the hub. */
  host: 'shared-worker' | 'worker'
  role: 'leader' | 'follower'
  /** Attempts in a row without 10 s of health. */
  attempt: number
  /** While `waiting` or `offline`: when the next attempt is due, in ms since 1970. */
  nextAttemptAt: number | null
  /** When `state` was entered, in ms since 1970. */
  since: number
  /** `degraded`: no byte has come though one was due (S3). */
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

/** What a connection contributes to a tab's status. */
export type ConnectionStatus = Pick<
  Status,
  'state' | 'attempt' | 'nextAttemptAt' | 'since' | 'health' | 'resume' | 'error'
>
