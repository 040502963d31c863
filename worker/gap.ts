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
    came() {
      // A clock that is set back says nothing of gaps; neither does one that jumps ahead.
      const gap = Math.min(LONGEST, Math.abs(now() - last))
      mean += (gap - mean) * NEWEST
      last = now()
    },
    ms: () => mean,
  }
}
