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
  /** The connection is closed for good. Tabs see `closed`. */
  | 'disposed'

export type ConnectionEvent =
  /** This hub leads, and has tabs. */
  | 'release'
  /** This hub does not lead, or has no tabs. */
  | 'hold'
  /** No tab is in view, and has not been for long (H2). What only a tab can mend stays, and is shown. */
  | 'unwatched'
  /** 200 with an event stream. */
  | 'opened'
  /** The attempt or the stream ended in a way that time can mend. */
  | 'lost'
  /** As `lost`, while the browser says that it is offline. */
  | 'cut-off'
  /** The server answered 401 to a fresh token, or nobody has a token. */
  | 'refused'
  /** The server refused for good, in a way that time can't mend. */
  | 'fatal'
  /** The server answered 204: there is nothing to come. */
  | 'ended'
  /** `close()` was called. */
  | 'disposed'
  /** The wait is over, or somebody asked: a new attempt, also in place of the one under way. */
  | 'retry'
  | 'offline'
  | 'online'

interface Connecting {
  state: 'connecting'
  attempt: Attempt
  /** `null`: the attempt has to obtain one. */
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

/** The connection's state, with all that is known only while the state lasts. `since`: ms since 1970. */
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
    unwatched: null,
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
    unwatched: 'idle',
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
    unwatched: 'idle',
    opened: null,
    lost: 'waiting',
    'cut-off': 'offline',
    refused: 'unauthorized',
    fatal: 'failed',
    ended: 'closed',
    disposed: 'disposed',
    // Somebody asked for a new stream while one is open: `reconnect()`.
    retry: 'connecting',
    // A browser says offline for a moment when its network changes. A stream that stands is worth keeping (S5).
    offline: null,
    online: null,
  },
  waiting: {
    release: null,
    hold: 'idle',
    unwatched: 'idle',
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
    unwatched: 'idle',
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
    unwatched: null,
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
    unwatched: null,
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
    // Without a tab the hub forgets that the stream had ended: the next tab tries anew.
    hold: 'idle',
    unwatched: null,
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
    unwatched: null,
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
