import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findOtherGeneration, newTabId } from '../../../../src/attachment/other-workers.ts'
import { tabLock } from '../../../../src/shared/names.ts'
import { createFakeLocks, type FakeLocks } from '../../harness/locks.ts'
import { settle } from '../../harness/turns.ts'

describe('T2 where other tabs are', () => {
  let locks: FakeLocks

  beforeEach(() => {
    locks = createFakeLocks()
    vi.stubGlobal('navigator', { locks })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  /** A tab at the worker of this generation, whose hub waits for its lock. */
  const tabAt = async (generation: string) => {
    const name = tabLock(newTabId(generation))
    locks.hold(name)
    locks.hold(name)
    await settle()
  }

  it('a tab’s id is random, and ends with the generation of its worker', () => {
    const ids = [newTabId('#i'), newTabId('#i')]
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[\da-f-]{36}#i$/)
  })

  it('nobody else: there is nowhere to go', async () => {
    expect(await findOtherGeneration('')).toBeUndefined()
  })

  it('the generation that other tabs are at, not the first one and not one’s own', async () => {
    for (const generation of ['', '#mine', '#theirs', '#mine', '']) await tabAt(generation)
    expect(await findOtherGeneration('#mine')).toBe('#theirs')
    expect(await findOtherGeneration('#theirs')).toBe('#mine')
  })

  it('a tab whose lock nobody waits for has no hub', async () => {
    locks.hold(tabLock(newTabId('#dead')))
    await settle()
    expect(await findOtherGeneration('')).toBeUndefined()
  })

  it('locks of the application itself say nothing', async () => {
    for (const _ of [1, 2]) locks.hold(`mine:${newTabId('#other')}`)
    await settle()
    expect(await findOtherGeneration('')).toBeUndefined()
  })
})
