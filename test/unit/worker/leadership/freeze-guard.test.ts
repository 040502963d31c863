import { beforeEach, describe, expect, it } from 'vitest'
import { createFreezeGuard, type FreezeGuard } from '../../../../worker/leadership/freeze-guard.ts'
import { defer, settle } from '../../harness/turns.ts'

describe('L3 a hub that may have been frozen', () => {
  let clock: number
  let queries: number
  let answer: () => Promise<void>
  let guard: FreezeGuard

  beforeEach(() => {
    clock = 1_000_000
    queries = 0
    answer = async () => {}
    const query = async () => {
      queries++
      await answer()
      return {}
    }
    guard = createFreezeGuard({ now: () => clock, locks: { query } as unknown as LockManager })
  })

  it('asks the lock manager after 1.5 s without a sign that it ran, once', async () => {
    clock += 1_500
    await guard.catchUp()
    expect(queries).toBe(0)
    clock += 1_501
    await guard.catchUp()
    await guard.catchUp()
    expect(queries).toBe(1)
  })

  it('asks nothing while anything shows that it runs', async () => {
    for (let second = 0; second < 60; second++) {
      clock += 1_000
      guard.ran()
    }
    await guard.catchUp()
    expect(queries).toBe(0)
  })

  it('does not forget a freeze over a beat that came first', async () => {
    clock += 60_000
    guard.ran()
    clock += 10
    await guard.catchUp()
    expect(queries).toBe(1)
  })

  it('asks again where the answer was held up by another freeze', async () => {
    clock += 60_000
    const held = defer<void>()
    answer = () => held.promise
    const caughtUp = guard.catchUp()
    await settle()
    answer = async () => {}
    clock += 60_000
    held.resolve()
    await caughtUp
    expect(queries).toBe(2)
  })

  it('starts over with a hub that has a tab again: it holds no lock that could have been stolen', async () => {
    clock += 60_000
    guard.reset()
    await guard.catchUp()
    expect(queries).toBe(0)
  })
})
