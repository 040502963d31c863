import type { Platform } from './platform.ts'

/** Weight of the newest gap, and the longest that counts, in ms: after a silence it is soon forgotten. */
const NEWEST = 0.2
const LONGEST = 100

export type Gap = ReturnType<typeof createGap>

/** The time between two of what comes, in the mean. */
export const createGap = ({ now }: Pick<Platform, 'now'>) => {
  let mean = LONGEST
  let last = 0
  return {
    /** @param count of those that came since the last time, one after the other */
    came(count = 1) {
      // A clock that is set back says nothing of gaps; neither does one that jumps ahead.
      const gap = Math.min(LONGEST, Math.abs(now() - last) / count)
      mean += (gap - mean) * (1 - (1 - NEWEST) ** count)
      last = now()
    },
    ms: () => mean,
  }
}
