import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RETRY_CAP, RETRY_FIRST } from '../../../../worker/base/exponential.ts'
import { parseRetryAfter } from '../../../../worker/base/retry-after.ts'
import { clampRetry, delay, offlineDelay } from '../../../../worker/stream/backoff.ts'

const JUST_BELOW_1 = 1 - Number.EPSILON

describe('S4 full-jitter exponential backoff', () => {
  it.each([
    [0, 1_000],
    [1, 2_000],
    [2, 4_000],
    [3, 8_000],
    [4, 16_000],
    [5, 30_000],
    [6, 30_000],
    [1_000, 30_000],
  ])('after %i attempts waits from 0 to %i ms', (attempt, bound) => {
    expect(delay(attempt, RETRY_FIRST, null, 0)).toBe(0)
    expect(delay(attempt, RETRY_FIRST, null, 0.5)).toBe(bound / 2)
    expect(delay(attempt, RETRY_FIRST, null, JUST_BELOW_1)).toBe(bound)
  })

  it('takes its base from `retry:`, and lets a base beyond the cap stand', () => {
    expect(delay(0, 250, null, JUST_BELOW_1)).toBe(250)
    expect(delay(3, 250, null, JUST_BELOW_1)).toBe(2_000)
    expect(delay(0, 60_000, null, JUST_BELOW_1)).toBe(60_000)
    expect(delay(9, 60_000, null, JUST_BELOW_1)).toBe(60_000)
  })

  it('keeps `Retry-After` as a floor, and spreads a crowd behind it', () => {
    expect(delay(0, RETRY_FIRST, 5_000, 0)).toBe(5_000)
    expect(delay(0, RETRY_FIRST, 5_000, 0.5)).toBe(5_500)
    expect(delay(12, RETRY_FIRST, 120_000, JUST_BELOW_1)).toBe(121_000)
  })

  it('is a whole number of ms within its bounds for any input', () => {
    const random = fc.double({ min: 0, max: JUST_BELOW_1, noNaN: true })
    const retryAfter = fc.option(fc.integer({ min: 0, max: 3_600_000 }))
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.integer({ min: 100, max: 60_000 }),
        retryAfter,
        random,
        (attempt, base, floor, draw) => {
          const ms = delay(attempt, base, floor, draw)
          expect(Number.isInteger(ms)).toBe(true)
          expect(ms).toBeGreaterThanOrEqual(floor ?? 0)
          expect(ms).toBeLessThanOrEqual((floor ?? 0) + Math.max(RETRY_CAP, base))
        },
      ),
    )
  })

  it.each([
    [0, 100],
    [99, 100],
    [100, 100],
    [5_000, 5_000],
    [60_000, 60_000],
    [86_400_000, 60_000],
    [Number.POSITIVE_INFINITY, 60_000],
  ])('clamps `retry: %d` to %i ms', (given, clamped) => {
    expect(clampRetry(given)).toBe(clamped)
  })
})

describe('S5 attempts while the browser says that it is offline', () => {
  it.each([
    [0, 0, 10_000],
    [0, JUST_BELOW_1, 12_000],
    [1, 0, 20_000],
    [1, 0.5, 22_000],
    [2, 0, 30_000],
    [2, JUST_BELOW_1, 30_000],
    [50, 0.5, 30_000],
  ])('after %i that came to nothing, at chance %d, the next one comes in %i ms', (attempt, random, ms) => {
    expect(offlineDelay(attempt, random)).toBe(ms)
  })
})

describe('S4 `Retry-After`', () => {
  const now = Date.UTC(2026, 0, 1)

  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['3600', 3_600_000],
    ['86400', 3_600_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['Sat, 03 Jan 2026 00:00:00 GMT', 3_600_000],
    ['soon', null],
    ['', null],
    [' ', null],
    [null, null],
  ])('%j is %j ms', (value, ms) => {
    expect(parseRetryAfter(value, now)).toBe(ms)
  })
})
