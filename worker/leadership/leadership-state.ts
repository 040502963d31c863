import type { LockRequest } from './leader-lock.ts'

/**
 * What a hub is to its key's stream, as a complete table: the compiler proves that no pair is forgotten.
 *
 * ```
 *      expected            attached          granted            led
 *  out -------> listening --------> queued ---------> claiming -----> leading
 *                                    ^ ^ ^             |    |          |    |
 *                                    | | +-lost,fenced-+----|----------+    | abdicated
 *                                    | |                    v  outranked    v
 *                                    | +-lost-------- yielded            abdicated
 *                                    |                (silence: claiming)  (attached, silence: queued)
 *                                    | retried, silence
 *                                  retrying <--failed-- queued, claiming, leading, yielded
 *
 *  all but superseded --left--> out          all --superseded--> superseded, for good
 * ```
 */
export type LeadershipState =
  /** The hub has no tab. It neither follows nor asks for the lock. */
  | { is: 'out' }
  /**
   * The first tab is about to attach, while the log opens. The hub hears the others, and does not ask for the lock
   * yet.
   */
  | { is: 'listening' }
  /** The hub follows, and waits for the lock, or has just got it and makes sure that it still has it (L3). */
  | { is: 'queued'; lock: LockRequest }
  /**
   * The hub holds the lock and reads the log: it lives, but does not lead yet. It tells the others its `claim` (L5).
   */
  | { is: 'claiming'; lock: LockRequest; claim: number }
  /** The hub holds the lock. It streams, appends and commits under this term. */
  | { is: 'leading'; lock: LockRequest; term: number }
  /**
   * The hub follows a leader whose lock manager is another one. It keeps its own lock: asked again, its lock manager
   * would grant the lock at once.
   */
  | { is: 'yielded'; lock: LockRequest }
  /** The hub follows, and does not ask for the lock: none of its tabs has a token, and another hub's tab may (A2). */
  | { is: 'abdicated' }
  /** The hub follows, and asks for the lock again in a while: the lock was refused, or the takeover failed. */
  | { is: 'retrying'; cancel(): void }
  /** A hub of a newer protocol is there (T4). */
  | { is: 'superseded' }

export type StateName = LeadershipState['is']

export type LeadershipEvent =
  /** A tab is about to attach. */
  | 'expected'
  /** A tab has come. */
  | 'attached'
  /** This hub was granted the lock, and no news of a steal has followed. */
  | 'granted'
  /** Another hub has stolen the lock. */
  | 'lost'
  /** The lock was refused, or the takeover threw. */
  | 'failed'
  /** The pause after a failure is over. */
  | 'retried'
  /** The log has written this hub's term. */
  | 'led'
  /** The log refused a write: another hub has led since (L3). */
  | 'fenced'
  /** This hub has heard a higher claim or term. */
  | 'outranked'
  /** The leader was silent for too long (L4). */
  | 'silence'
  /** No tab of this hub answers when it is asked for a token (A2). */
  | 'abdicated'
  /** The last tab has gone, or the hub closes. */
  | 'left'
  | 'superseded'

/** `null`: nothing changes. */
export const TRANSITIONS: Record<StateName, Record<LeadershipEvent, StateName | null>> = {
  out: {
    expected: 'listening',
    attached: null,
    granted: null,
    lost: null,
    failed: null,
    retried: null,
    led: null,
    fenced: null,
    outranked: null,
    silence: null,
    abdicated: null,
    left: null,
    superseded: 'superseded',
  },
  listening: {
    expected: null,
    attached: 'queued',
    granted: null,
    lost: null,
    failed: null,
    retried: null,
    led: null,
    fenced: null,
    outranked: null,
    silence: null,
    abdicated: null,
    left: 'out',
    superseded: 'superseded',
  },
  queued: {
    expected: null,
    attached: null,
    granted: 'claiming',
    // Stolen before the grant was sure.
    lost: 'queued',
    failed: 'retrying',
    retried: null,
    led: null,
    fenced: null,
    outranked: null,
    // The hub asks again, and steals.
    silence: 'queued',
    abdicated: null,
    left: 'out',
    superseded: 'superseded',
  },
  claiming: {
    expected: null,
    attached: null,
    granted: null,
    lost: 'queued',
    failed: 'retrying',
    retried: null,
    led: 'leading',
    fenced: 'queued',
    outranked: 'yielded',
    silence: null,
    abdicated: null,
    left: 'out',
    superseded: 'superseded',
  },
  leading: {
    expected: null,
    attached: null,
    granted: null,
    lost: 'queued',
    failed: 'retrying',
    retried: null,
    led: null,
    fenced: 'queued',
    outranked: 'yielded',
    silence: null,
    abdicated: 'abdicated',
    left: 'out',
    superseded: 'superseded',
  },
  yielded: {
    expected: null,
    attached: null,
    granted: null,
    lost: 'queued',
    failed: 'retrying',
    retried: null,
    led: null,
    fenced: null,
    outranked: null,
    // The lock is still this hub's: there is nothing to steal.
    silence: 'claiming',
    abdicated: null,
    left: 'out',
    superseded: 'superseded',
  },
  abdicated: {
    expected: null,
    // This tab may have a token.
    attached: 'queued',
    granted: null,
    lost: null,
    failed: null,
    retried: null,
    led: null,
    fenced: null,
    outranked: null,
    // No other hub has taken the lead.
    silence: 'queued',
    abdicated: null,
    left: 'out',
    superseded: 'superseded',
  },
  retrying: {
    expected: null,
    attached: null,
    granted: null,
    lost: null,
    failed: null,
    retried: 'queued',
    led: null,
    fenced: null,
    outranked: null,
    silence: 'queued',
    abdicated: null,
    left: 'out',
    superseded: 'superseded',
  },
  superseded: {
    expected: null,
    attached: null,
    granted: null,
    lost: null,
    failed: null,
    retried: null,
    led: null,
    fenced: null,
    outranked: null,
    silence: null,
    abdicated: null,
    left: null,
    superseded: null,
  },
}
