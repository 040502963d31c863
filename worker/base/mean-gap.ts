import type { Platform } from './platform.ts'

/** Weight of the newest gap. */
const NEWEST = 0.2
/** ms that a gap counts at most, so that a silence is soon forgotten. */
const LONGEST = 100

/** The mean time between two events of a kind. The newest gaps weigh most. */
export interface MeanGap {
  /** Events have come. @param count how many: they count as spread over the time since the last call */
  came(count?: number): void
  /** In ms, at most 100. */
  ms(): number
}

export const createMeanGap = ({ now }: Pick<Platform, 'now'>): MeanGap => {
  let mean = LONGEST
  let last = 0
  return {
    came(count = 1) {
      // The bounds hold a clock that is set back, or jumps ahead, to one long gap.
      const gap = Math.min(LONGEST, Math.abs(now() - last) / count)
      mean += (gap - mean) * (1 - (1 - NEWEST) ** count)
      last = now()
    },
    ms: () => mean,
  }
}
