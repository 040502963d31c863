import type { Platform } from '../base/platform.ts'
import { BEAT } from './beat.ts'

/** ms of silence after which a leader is robbed that this hub has heard before. */
const STEAL_AFTER = 5_000
/**
 * ms of silence after which a leader is robbed that has never answered this hub: at the second look. Two hellos are
 * unanswered by then. With the page's own watch of up to 4.5 s it stays within the 10 s of T2.
 */
const STEAL_UNHEARD_AFTER = 1_900
/** ms between two robberies by one hub: a leader that is slow to begin is not robbed in turn. */
const STEAL_PAUSE = 30_000
/** ms between two looks that only a sleep explains: timers in workers are at most 1.3 s late. */
const SLEPT = 4 * BEAT

export interface LeaderWatch {
  /** This hub follows from now on: it looks once a beat, and silence is counted from here. */
  start(): void
  /** This hub leads, or is about to, or has no tab. */
  stop(): void
  /** Listens from now on. What this hub heard earlier says nothing: it has had no tab since. */
  listen(): void
  /** The leader lives. */
  sign(): void
  /** A leader is there that can't be understood, hence gives no sign of life (T4). */
  noticed(): void
  /** Whether any leader was heard or noticed since `listen`. */
  hasHeard(): boolean
  /** ms since `listen`. */
  listenedFor(): number
}

export interface LeaderWatchOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** Once a beat: says that a follower is here. */
  onLook(): void
  /** The leader gave no sign for too long, and this hub may rob it (L4). */
  onSilence(): void
}

/** A follower's watch over its leader: when it is to be robbed of the lock (L4). */
export const createLeaderWatch = ({ platform, onLook, onSilence }: LeaderWatchOptions): LeaderWatch => {
  let lastSign = 0
  let heard = false
  let listeningSince = 0
  let lastLook = 0
  let lastSteal = Number.NEGATIVE_INFINITY
  let cancelLook: (() => void) | null = null

  const look = () => {
    const now = platform.now()
    cancelLook = platform.after(BEAT, look)
    // After a sleep every sign is old; the leader gets a beat to give a new one.
    if (now - lastLook > SLEPT) lastSign = now
    lastLook = now
    onLook()
    if (now - lastSign <= (heard ? STEAL_AFTER : STEAL_UNHEARD_AFTER) || now - lastSteal <= STEAL_PAUSE)
      return
    lastSteal = now
    onSilence()
  }

  return {
    start() {
      if (cancelLook !== null) return
      lastLook = lastSign = platform.now()
      cancelLook = platform.after(BEAT, look)
    },
    stop() {
      cancelLook?.()
      cancelLook = null
    },
    listen() {
      heard = false
      listeningSince = platform.now()
    },
    sign() {
      lastSign = platform.now()
      heard = true
    },
    noticed() {
      heard = true
    },
    hasHeard: () => heard,
    listenedFor: () => platform.now() - listeningSince,
  }
}
