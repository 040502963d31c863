import type { Platform } from './platform.ts'

/** Weight of the newest gap. */
const NEWEST = 0.2

/** The mean time between two events of a kind. The newest gaps weigh most. */
export interface MeanGap {
  /** Events have come. @param count how many: they count as spread over the time since the last call */
  came(count?: number): void
  /** In ms, at most `longest`. */
  ms(): number
}

/** @param longest ms that a gap counts at most, so that a silence is soon forgotten */
export const createMeanGap = ({ now }: Pick<Platform, 'now'>, longest: number): MeanGap => {
  let mean = longest
  let last = 0
  return {
    came(count = 1) {
      // The bounds hold a clock that is set back, or jumps ahead, to one long gap.
      const gap = Math.min(longest, Math.abs(now() - last) / count)
      mean += (gap - mean) * (1 - (1 - NEWEST) ** count)
      last = now()
    },
    ms: () => mean,
  }
}
