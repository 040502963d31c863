/** ms: the first wait after a failure, and the longest one. */
export const RETRY_FIRST = 1_000
export const RETRY_CAP = 30_000

/**
 * How long to wait after a failure: twice as long each time.
 *
 * @param failures in a row before this one
 * @param first ms after the first failure
 * @param cap ms at most
 * @returns ms
 */
export const exponential = (failures: number, first = RETRY_FIRST, cap = RETRY_CAP): number =>
  Math.min(cap, first * 2 ** failures)
