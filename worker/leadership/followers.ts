import type { Platform } from '../base/platform.ts'
import { BEAT } from './beat.ts'

/** ms without a word from any follower, after which the leader relays no more. A follower says hello once a beat. */
const FOLLOWER_GONE = 5 * BEAT

export interface FollowersOptions {
  platform: Pick<Platform, 'now' | 'after'>
  isLeading(): boolean
  /** Called once a beat, while this hub leads and a follower is there. */
  onBeat(): void
}

export interface Followers {
  /** A follower has said something. */
  seen(): void
  /** Whether a follower has said anything in the last 5 s. */
  areThere(): boolean
}

/** Whether a leader has followers, and its beat while it has. A hub that leads alone has no timer (P11). */
export const createFollowers = ({ platform, isLeading, onBeat }: FollowersOptions): Followers => {
  let seenAt = Number.NEGATIVE_INFINITY
  let beating = false
  const areThere = () => platform.now() - seenAt < FOLLOWER_GONE
  const beat = () => {
    beating = isLeading() && areThere()
    if (!beating) return
    onBeat()
    platform.after(BEAT, beat)
  }
  return {
    seen() {
      seenAt = platform.now()
      if (beating) return
      beating = true
      platform.after(BEAT, beat)
    },
    areThere,
  }
}
