import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CALL_LIMIT, withLimit } from '../../../../src/shared/with-limit.ts'

describe('a call to a hub', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('settles as the hub answers, and leaves no timer', async () => {
    await expect(withLimit(Promise.resolve(7), 'metrics()')).resolves.toBe(7)
    await expect(withLimit(Promise.reject(new Error('own')), 'metrics()')).rejects.toThrow('own')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is given up after 10 s: comlink never settles one whose other side has died', async () => {
    const outcome = withLimit(new Promise(() => {}), 'metrics()').catch((error: Error) => error.message)
    let settled = false
    void outcome.then(() => {
      settled = true
    })
    await vi.advanceTimersByTimeAsync(CALL_LIMIT - 1)
    expect(settled).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcome).toMatch(/metrics\(\).*10 s/)
  })
})
