import { describe, expect, it } from 'vitest'
import { withLimit } from '../../../../src/shared/with-limit.ts'
import { createFakePlatform } from '../../harness/platform.ts'

const late = () => new Error('late')
const never = () => new Promise<never>(() => {})

describe('withLimit', () => {
  it('settles as the promise does, and leaves no timer', async () => {
    const platform = createFakePlatform()
    await expect(withLimit(platform, Promise.resolve(7), 3_000, late)).resolves.toBe(7)
    await expect(withLimit(platform, Promise.reject(new Error('own')), 3_000, late)).rejects.toThrow('own')
    expect(platform.timers()).toBe(0)
  })

  it('rejects what takes longer', async () => {
    const platform = createFakePlatform()
    const outcome = withLimit(platform, never(), 3_000, late).catch((error: Error) => error.message)
    await platform.advance(2_999)
    expect(platform.timers()).toBe(1)
    await platform.advance(1)
    expect(await outcome).toBe('late')
  })

  it('does not count the time in which the context was frozen: the answer may be waiting', async () => {
    const platform = createFakePlatform()
    const outcome = withLimit(platform, never(), 3_000, late).catch((error: Error) => error.message)
    platform.setClock(60_000)
    await platform.advance(3_000)
    expect(platform.timers()).toBe(1)
    await platform.advance(3_000)
    expect(await outcome).toBe('late')
  })
})
