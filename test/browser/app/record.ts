/** What one tab saw, in the order in which it saw it: the tests' only view of a page. */
export interface TabRecord {
  events: { id: string; type: string; n?: number }[]
  statuses: { state: string; since: number; nextAttemptAt: number | null; durable: boolean }[]
  errors: {
    kind: string
    state: string
    retryable: boolean
    attempt: number
    status?: number
    lastEventId?: string
    message: string
    cause: unknown
  }[]
  resets: { reason: string }[]
  /** How many events had been heard at each of them. */
  resetsAt: number[]
  /** What the listeners got, with `keepPayloads`. */
  payloads: unknown[]
  /** Messages that reached `window.onerror`, hence what `reportError` was called with. */
  reported: string[]
  /** How often the library asked this tab for an access token. */
  tokensAsked: number
}

/** What a test asks of every worker of its browser profile. */
export type WorkerFault = 'close' | 'wedge'

export const FAULT_CHANNEL = 'test: faults'

/** What a test asks of a tab: plain data, because it crosses from Playwright to the page. */
export interface StartOptions {
  url?: string
  /** `null` leaves the option out of `connect()`. */
  user?: string | null
  /** The token endpoint; `null` for a stream without authentication. */
  exchange?: string | null
  /** Proof of possession. */
  dpop?: boolean
  /** Event types to listen to; all of them by default. */
  types?: string[]
  /** Adds a listener, before the recording one, that throws at the event with this `n`. */
  throwAt?: number
  /**
   * What `getAccessToken` gives from the start, in place of a log-in: `'reject'` rejects, `null` is nobody.
   * `window.token` changes it.
   */
  token?: string | null
  /** The worker's script, for the kinds that `host` allows; `'package'`: the package's own. Default: the application's. */
  worker?: string
  /** Records what the listeners get, not only its `n`. */
  keepPayloads?: boolean
  /** Its listeners do not wait while the page is hidden (H1). */
  urgent?: boolean
  /** Without a listener for errors. */
  withoutErrorListener?: boolean
  /** What runs the hub: a SharedWorker with a Worker behind it (default), or a Worker of the tab's own. */
  host?: 'shared-worker' | 'worker'
  /** Handed to `connect()` as they are: `from`, `heartbeat`, `maxEventBytes`, ... */
  connect?: Record<string, unknown>
}
