import { describe, expect, it } from 'vitest'
import { createRetryPolicy } from '../../../../worker/stream/retry-policy.ts'

const FAILURE = { retryAfter: null, isOnline: true, isSeldom: false }

/** What `count` attempts in a row that came to nothing are followed by. */
const waits = (count: number, failure: Partial<typeof FAILURE> = {}, base?: number) => {
  const policy = createRetryPolicy(() => 0.5)
  if (base !== undefined) policy.setBase(base)
  return Array.from({ length: count }, () => {
    policy.begin()
    return policy.wait({ ...FAILURE, ...failure })
  })
}

describe('the wait before the next attempt', () => {
  it.each<[string, number[], number[]]>([
    ['S4 grows to 30 s', waits(7), [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    ['S4 starts at what the server says', waits(3, {}, 4_000), [2_000, 4_000, 8_000]],
    [
      'S5 is 10 s at least while the browser says that it is offline',
      waits(4, { isOnline: false }),
      [11_000, 22_000, 30_000, 30_000],
    ],
    [
      'S6 grows to 5 min behind a page',
      waits(11, { isSeldom: true }).slice(5),
      [16_000, 32_000, 64_000, 128_000, 150_000, 150_000],
    ],
  ])('%s', (_, given, expected) => {
    expect(given).toEqual(expected)
  })

  it('S4 of a stream that was of use is about the base, and the count starts over', () => {
    const policy = createRetryPolicy(() => 0.5)
    for (let attempt = 0; attempt < 5; attempt++) policy.begin()
    policy.setBase(3_000)
    expect([policy.waitAfterUse(), policy.attempts()]).toEqual([3_000, 0])
  })

  it('S6 the first question for a credential comes ever later while new ones are refused, within 1 to 60 s', () => {
    const policy = createRetryPolicy(() => 0.5)
    const first = Array.from({ length: 9 }, () => {
      policy.begin()
      return policy.waitForCredential()
    })
    expect(first).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  it('A2 an attempt for a new token alone does not count', () => {
    const policy = createRetryPolicy(() => 0.5)
    policy.uncount()
    policy.begin()
    policy.uncount()
    policy.begin()
    expect(policy.attempts()).toBe(1)
  })
})
