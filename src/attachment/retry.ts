/** The first wait and the longest one, in ms. */
const FIRST = 1_000
const LONGEST = 60_000

/** @param failures before this one, in a row. @returns ms to wait: twice as long each time, with jitter */
export const retryAfter = (failures: number): number =>
  Math.min(LONGEST, FIRST * 2 ** failures) * (0.5 + Math.random() / 2)
