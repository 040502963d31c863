/**
 * A clock that server and tabs share, in ms since 1970 with fractions. `performance.timeOrigin` may be ms beside
 * `Date`, which is coarse; the two together are neither.
 */
export const createClock = (): (() => number) => {
  let offset = Number.NEGATIVE_INFINITY
  // Date is floored: where it has just ticked, it is exact.
  for (const start = performance.now(); performance.now() - start < 20; )
    offset = Math.max(offset, Date.now() - performance.now())
  return () => offset + performance.now()
}
