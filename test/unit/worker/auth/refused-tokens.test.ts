import { beforeEach, describe, expect, it } from 'vitest'
import { createRefusedTokens, type RefusedTokens } from '../../../../worker/auth/refused-tokens.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('A2 which tokens a server has refused', () => {
  let platform: FakePlatform
  let refused: RefusedTokens

  beforeEach(() => {
    platform = createFakePlatform()
    refused = createRefusedTokens(platform)
  })

  it('is known for a minute, from the last time on', async () => {
    refused.add('a', 'refused')
    await platform.advance(30_000)
    refused.add('a', 'refused')
    await platform.advance(59_999)
    expect([refused.why('a'), refused.why('b')]).toEqual(['refused', null])
    await platform.advance(1)
    expect(refused.why('a')).toBeNull()
  })

  it('is forgotten when it is asked for, and when a clock jumps', () => {
    refused.add('a', 'refused')
    refused.clear()
    expect(refused.why('a')).toBeNull()
    refused.add('a', 'refused')
    platform.setClock(-3_600_000)
    expect(refused.why('a')).toBeNull()
  })

  it('is told apart from whose token it is, as the server said last', () => {
    refused.add('a', 'refused')
    refused.add('a', 'anothers')
    expect(refused.why('a')).toBe('anothers')
  })

  it('is bounded: of many the newest eight are known', () => {
    for (let n = 1; n <= 20; n++) refused.add(`token-${n}`, 'refused')
    expect([refused.why('token-12'), refused.why('token-13'), refused.why('token-20')]).toEqual([
      null,
      'refused',
      'refused',
    ])
  })
})
