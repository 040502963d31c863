import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { holdLock } from '../../../../src/attachment/hold-lock.ts'
import { createFakeLocks, type FakeLocks } from '../../harness/locks.ts'
import { settle } from '../../harness/turns.ts'

describe('T1 the lock of a page', () => {
  let locks: FakeLocks

  beforeEach(() => {
    locks = createFakeLocks()
    vi.stubGlobal('navigator', { locks })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('is held from its grant to its release', async () => {
    const { held, release } = holdLock('a')
    await held
    expect(locks.isHeld('a')).toBe(true)
    release()
    await settle()
    expect(locks.isHeld('a')).toBe(false)
  })

  it('is waited for while another holds it', async () => {
    const free = locks.hold('a')
    const { held } = holdLock('a')
    let granted = false
    void held.then(() => {
      granted = true
    })
    await settle()
    expect(granted).toBe(false)
    free()
    await held
  })

  it('is not kept if it was released before its grant', async () => {
    const free = locks.hold('a')
    const { held, release } = holdLock('a')
    release()
    free()
    await held
    await settle()
    expect(locks.isHeld('a')).toBe(false)
  })

  it('T3 taken away by the browser is no unhandled rejection: WebKit takes the locks of a cached page', async () => {
    const { held } = holdLock('a')
    await held
    const unhandled: unknown[] = []
    const listen = (error: unknown) => void unhandled.push(error)
    process.on('unhandledRejection', listen)
    locks.request('a', { steal: true }, () => {}).catch(() => {})
    await settle()
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })
})
