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
    refused.add('a')
    await platform.advance(30_000)
    refused.add('a')
    await platform.advance(59_999)
    expect([refused.has('a'), refused.has('b')]).toEqual([true, false])
    await platform.advance(1)
    expect(refused.has('a')).toBe(false)
  })

  it('is forgotten when it is asked for, and when a clock jumps', () => {
    refused.add('a')
    refused.clear()
    expect(refused.has('a')).toBe(false)
    refused.add('a')
    platform.setClock(-3_600_000)
    expect(refused.has('a')).toBe(false)
  })

  it('is bounded: of many the newest eight are known', () => {
    for (let n = 1; n <= 20; n++) refused.add(`token-${n}`)
    expect([refused.has('token-12'), refused.has('token-13'), refused.has('token-20')]).toEqual([
      false,
      true,
      true,
    ])
  })
})
