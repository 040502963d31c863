import { describe, expect, it } from 'vitest'
import { lifeOf, renewAfter, retryRenewalAfter } from '../../../../worker/auth/expiry.ts'

const NOW = Date.UTC(2026, 0, 1, 12)
const HOUR = 3_600_000
const iso = (ms: number) => new Date(ms).toISOString()
const http = (ms: number) => new Date(ms).toUTCString()

describe('A2 how long a token lives', () => {
  it.each<[string, object, string | null]>([
    ['expires_in, with no clock at all', { expires_in: 600 }, null],
    ['expires_in as text', { expires_in: '600' }, http(NOW)],
    [
      'expires_in before an expires_at that is wrong',
      { expires_in: 600, expires_at: iso(NOW - HOUR) },
      http(NOW),
    ],
    ['expires_at with Z', { expires_at: iso(NOW + 600_000) }, http(NOW)],
    ['expires_at with an offset', { expires_at: '2026-01-01T14:10:00+02:00' }, http(NOW)],
    ['expires_at in seconds since 1970', { expires_at: (NOW + 600_000) / 1_000 }, http(NOW)],
    ['expires_at of a server an hour ahead', { expires_at: iso(NOW + HOUR + 600_000) }, http(NOW + HOUR)],
    [
      'expires_at of a server a day behind',
      { expires_at: iso(NOW - 24 * HOUR + 600_000) },
      http(NOW - 24 * HOUR),
    ],
    ['by this clock where both agree to 2 s', { expires_at: iso(NOW + 600_000) }, http(NOW - 1_000)],
  ])('%s', (_, answer, date) => {
    expect(lifeOf(answer, date, NOW)).toEqual({ ms: 600_000 })
  })

  it.each<[string, object, string | null, RegExp]>([
    ['an expires_at without a zone', { expires_at: '2026-01-01T12:10:00' }, http(NOW), /zone/],
    ['an expires_at in ms since 1970', { expires_at: NOW + 600_000 }, http(NOW), /seconds since 1970/],
    ['a date alone', { expires_at: '2027-01-01' }, http(NOW), /zone/],
    ['an expires_at that is no date', { expires_at: 'soon, Z' }, http(NOW), /zone/],
    ['an expires_at that is past', { expires_at: iso(NOW) }, http(NOW), /past/],
    ['an expires_in of nothing', { expires_in: 0 }, http(NOW), /above 0/],
    ['an expires_in below nothing', { expires_in: -600 }, http(NOW), /above 0/],
    ['an expires_in that is no number', { expires_in: 'PT10M' }, http(NOW), /above 0/],
    ['no expiry', {}, http(NOW), /expires_in/],
    ['a Date that CORS hides', { expires_at: iso(NOW + 600_000) }, null, /Expose-Headers: Date/],
    ['a Date that is none', { expires_at: iso(NOW + 600_000) }, 'today', /Date/],
  ])('nobody can say: %s', (_, answer, date, why) => {
    expect(lifeOf(answer, date, NOW)).toEqual({ ms: null, why: expect.stringMatching(why) })
  })

  it.each([
    [600_000, 0, 570_000],
    [600_000, 0.5, 568_500],
    [60_000, 0, 48_000],
    [12_000, 0, 10_000],
    [1_000, 0.9, 10_000],
  ])('of %i ms, by chance %d, is renewed after %i ms', (life, random, after) => {
    expect(renewAfter(life, random)).toBe(after)
  })

  it.each([
    [30_000, null, 10_000],
    [1_500, null, 1_000],
    [30_000, 20_000, 20_000],
  ])(
    'with %i ms left, a renewal that failed (Retry-After: %s) is tried again after %i ms',
    (left, told, ms) => {
      expect(retryRenewalAfter(left, told)).toBe(ms)
    },
  )
})
