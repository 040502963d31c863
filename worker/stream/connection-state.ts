import type { Granted } from '../auth/credential.ts'
import type { Attempt } from './attempt.ts'
import type { CredentialWatch } from './credential-watch.ts'

/**
 * The life of a stream, as a complete table: the compiler proves that no pair is forgotten.
 *
 * ```
 *            release             opened
 *    idle ------------> connecting -----> open
 *     ^                  |  ^  ^ ^         |
 *     | hold (from all)  |  |  | | retry   | lost
 *                        |  |  | +-------- waiting <-+- lost
 *                 refused|  |  +- online - offline <-+- lost while offline
 *                        v  | retry
 *                unauthorized     failed, closed (204) --retry--> connecting
 *                                 disposed (close(): for good, from all)
 * ```
 */
export type ConnectionState =
  | 'idle'
  | 'connecting'
  | 'open'
  | 'waiting'
  | 'offline'
  | 'unauthorized'
  | 'failed'
  | 'closed'
  /** For good. Told to tabs as `closed`. */
  | 'disposed'

export type ConnectionEvent =
  /** This hub leads, and has tabs. */
  | 'release'
  /** It does not, or has none. */
  | 'hold'
  /** 200 with an event stream. */
  | 'opened'
  /** Ended, failed or refused in a way that time can mend. */
  | 'lost'
  /** The same, while the browser says that it is offline. */
  | 'cut-off'
  /** 401 with a token that was fresh. */
  | 'refused'
  /** Nothing that time can mend. */
  | 'fatal'
  /** 204 */
  | 'ended'
  /** `close()` */
  | 'disposed'
  /** The wait is over, or somebody asked: a new attempt, also in place of the one under way. */
  | 'retry'
  | 'offline'
  | 'online'

interface Connecting {
  state: 'connecting'
  attempt: Attempt
  /** `null`: it is to be obtained. */
  credential: Granted | null
}

interface Open {
  state: 'open'
  attempt: Attempt
  /** The server has confirmed the resumption, or delivered an event (S4). */
  isUseful: boolean
}

interface Waiting {
  state: 'waiting' | 'offline'
  wait: Wait
}

interface Unauthorized {
  state: 'unauthorized'
  watch: CredentialWatch
}

interface AtRest {
  state: 'idle' | 'failed' | 'closed' | 'disposed'
}

/** The connection's state, with all that is known only while it lasts. `since`: ms since 1970. */
export type Phase = { since: number } & (Connecting | Open | Waiting | Unauthorized | AtRest)

export interface Wait {
  /** When the next attempt is due, in ms since 1970. */
  until: number
  /** The server named the time: nobody hurries the next attempt (S5). */
  isTold: boolean
}

/** `null`: nothing changes. */
export const TRANSITIONS: Record<ConnectionState, Record<ConnectionEvent, ConnectionState | null>> = {
  idle: {
    release: 'connecting',
    hold: null,
    opened: null,
    lost: null,
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: 'closed',
    disposed: 'disposed',
    retry: null,
    offline: null,
    online: null,
  },
  connecting: {
    release: null,
    hold: 'idle',
    opened: 'open',
    lost: 'waiting',
    'cut-off': 'offline',
    refused: 'unauthorized',
    fatal: 'failed',
    ended: 'closed',
    disposed: 'disposed',
    retry: 'connecting',
    offline: null,
    online: null,
  },
  open: {
    release: null,
    hold: 'idle',
    opened: null,
    lost: 'waiting',
    'cut-off': 'offline',
    refused: 'unauthorized',
    fatal: 'failed',
    ended: 'closed',
    disposed: 'disposed',
    // Somebody asked for a new stream while one is open: `reconnect()`.
    retry: 'connecting',
    // Browsers say offline for a moment when a network changes; a stream that stands is worth keeping (S5).
    offline: null,
    online: null,
  },
  waiting: {
    release: null,
    hold: 'idle',
    opened: null,
    lost: null,
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: 'closed',
    disposed: 'disposed',
    retry: 'connecting',
    offline: 'offline',
    online: 'connecting',
  },
  offline: {
    release: null,
    hold: 'idle',
    opened: null,
    // The network is back, but the server named a time.
    lost: 'waiting',
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: 'closed',
    disposed: 'disposed',
    retry: 'connecting',
    offline: null,
    online: 'connecting',
  },
  unauthorized: {
    release: null,
    hold: 'idle',
    opened: null,
    lost: null,
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: 'closed',
    disposed: 'disposed',
    retry: 'connecting',
    offline: null,
    online: null,
  },
  failed: {
    release: null,
    hold: 'idle',
    opened: null,
    lost: null,
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: 'closed',
    disposed: 'disposed',
    retry: 'connecting',
    offline: null,
    online: null,
  },
  closed: {
    release: null,
    // Without a tab it is forgotten: the next visit tries anew.
    hold: 'idle',
    opened: null,
    lost: null,
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: null,
    disposed: 'disposed',
    retry: 'connecting',
    offline: null,
    online: null,
  },
  disposed: {
    release: null,
    hold: null,
    opened: null,
    lost: null,
    'cut-off': null,
    refused: null,
    fatal: null,
    ended: null,
    disposed: null,
    retry: null,
    offline: null,
    online: null,
  },
}
