import type { Platform } from '../base/platform.ts'
import { BEAT } from './beat.ts'

/** ms of silence after which this hub robs a leader that it has heard before. */
const STEAL_AFTER = 5_000
/**
 * ms of silence after which this hub robs a leader that has never answered it. The second look finds the limit
 * passed, and two hellos unanswered. The page's own watch takes up to 4.5 s, so both stay within the 10 s of T2.
 */
const STEAL_UNHEARD_AFTER = 1_900
/** ms between two robberies by one hub: a new leader may be slow to begin, and must not be robbed in turn. */
const STEAL_PAUSE = 30_000
/** ms between two looks that only a sleep explains: timers in workers are at most 1.3 s late. */
const SLEPT = 4 * BEAT

export interface LeaderWatch {
  /** This hub follows from now on. The watch looks once a beat, and counts the silence from here. */
  start(): void
  /** This hub leads, or is about to, or has no tab. */
  stop(): void
  /** Forgets what was heard before: this hub has been without tabs, and what it heard then is out of date. */
  listen(): void
  /** The leader lives. */
  sign(): void
  /** A leader of another protocol is there. This hub can't read its words as signs of life (T4). */
  noticed(): void
  /** Whether any leader was heard or noticed since `listen`. */
  hasHeard(): boolean
  /** ms since `listen`. */
  listenedFor(): number
}

export interface LeaderWatchOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** Called once a beat: the hub is to say that it is here. */
  onLook(): void
  /** The leader gave no sign for too long, and this hub may rob it (L4). */
  onSilence(): void
}

/** A follower's watch over its leader: decides when the follower robs the leader of the lock (L4). */
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
    // After a sleep every sign is old; the leader gets a beat to give a new one. If the clock was set back, the watch
    // starts over: it would wait for the difference.
    if (Math.abs(now - lastLook) > SLEPT) lastSign = now
    lastLook = now
    onLook()
    const limit = heard ? STEAL_AFTER : STEAL_UNHEARD_AFTER
    if (now - lastSign <= limit || Math.abs(now - lastSteal) <= STEAL_PAUSE) return
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
