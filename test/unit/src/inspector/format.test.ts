import { describe, expect, it } from 'vitest'
import { ago, clock, count, duration, ofKey, short, size } from '../../../../src/inspector/format.ts'
import { pretty } from '../../../../src/inspector/payload-view.ts'
import { keyOf, plainKey } from '../../../../src/shared/names.ts'

describe('what an inspector writes', () => {
  it('durations: as exact as one can read, from fractions of a ms to days', () => {
    const cases: [number, string][] = [
      [0, '0 ms'],
      [0.44, '0.4 ms'],
      [12.6, '13 ms'],
      [999, '999 ms'],
      [1_000, '1.0 s'],
      [9_960, '10.0 s'],
      [12_999, '12 s'],
      [61_000, '1 min 01 s'],
      [3_600_000 * 2 + 60_000 * 5, '2 h 05 min'],
      [86_400_000 * 3 + 3_600_000 * 4, '3 d 4 h'],
      [-5, '0 ms'],
    ]
    for (const [ms, text] of cases) expect(duration(ms)).toBe(text)
  })

  it('how long ago, to the second', () => {
    expect([null, 10_000, 9_500, 7_000, -80_000].map((at) => ago(at, 10_000))).toEqual([
      'never',
      'just now',
      'just now',
      '3 s ago',
      '1 min 30 s ago',
    ])
  })

  it('times of day with ms, counts and sizes by thousands, ids by their beginning', () => {
    expect(clock(new Date(2_026, 0, 2, 3, 4, 5, 6).getTime())).toBe('03:04:05.006')
    expect(count(1_234_567)).toBe('1,234,567')
    expect([999, 1_000, 999_949, 999_950].map(size)).toEqual(['999', '1.0 k', '999.9 k', '1.0 M'])
    expect(short('0123456789')).toBe('01234567')
  })

  it('URL and user of a key, whatever is in them', async () => {
    const verify = { jwks: 'https://x/keys', audience: 'app', types: [] }
    const verified = {
      url: 'https://x/s?a=1',
      user: 'ann',
      headers: {},
      withCredentials: false,
      auth: null,
      topics: null,
      verify,
    }
    expect(ofKey(plainKey('https://x/s@1', 'a@b c'))).toEqual({ user: 'a@b c', url: 'https://x/s@1' })
    expect(ofKey(plainKey('https://x/s', null))).toEqual({ user: '', url: 'https://x/s' })
    expect(ofKey(await keyOf(verified))).toEqual({ user: 'ann', url: 'https://x/s' })
    expect(ofKey('test')).toEqual({ user: '', url: 'test' })
  })

  it('JSON with its lines, and anything else as it came', () => {
    expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(pretty('{"a":')).toBe('{"a":')
  })
})
