import { beforeEach, describe, expect, it } from 'vitest'
import { createExchangeTurn, type ExchangeTurn } from '../../../../worker/auth/exchange-turn.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

const NAME = 'turn'

describe('A3 the turn to exchange', () => {
  let platform: FakePlatform
  let turn: ExchangeTurn

  beforeEach(() => {
    platform = createFakePlatform()
    turn = createExchangeTurn(platform, NAME)
  })

  const taking = (of = turn) => {
    let isTaken = false
    void of.take().then(() => {
      isTaken = true
    })
    return async () => {
      await settle()
      return isTaken
    }
  }

  it('is one worker’s at a time, until it gives it back', async () => {
    const other = createExchangeTurn(platform, NAME)
    expect(await taking()()).toBe(true)
    const others = taking(other)
    expect(await others()).toBe(false)
    turn.end()
    expect(await others()).toBe(true)
  })

  it('is taken once by who takes it twice', async () => {
    expect(await taking()()).toBe(true)
    expect(await taking()()).toBe(true)
    expect(platform.locks.queued(NAME)).toBe(0)
    turn.end()
    await settle()
    expect(platform.locks.isHeld(NAME)).toBe(false)
  })

  it('lasts 5 s at most', async () => {
    await turn.take()
    await platform.advance(4_999)
    expect(platform.locks.isHeld(NAME)).toBe(true)
    await platform.advance(1)
    expect(platform.locks.isHeld(NAME)).toBe(false)
    expect(platform.timers()).toBe(0)
  })

  it('is waited for 10 s at most: then its worker goes on without', async () => {
    platform.locks.hold(NAME)
    const taken = taking()
    await platform.advance(9_999)
    expect(await taken()).toBe(false)
    await platform.advance(1)
    expect(await taken()).toBe(true)
    expect([platform.locks.queued(NAME), platform.timers()]).toEqual([0, 0])
  })

  it('is waited for no longer once it is ended, and is nobody’s then', async () => {
    const free = platform.locks.hold(NAME)
    const taken = taking()
    await settle()
    turn.end()
    expect(await taken()).toBe(true)
    free()
    await settle()
    expect([platform.locks.isHeld(NAME), platform.timers()]).toEqual([false, 0])
  })

  it('is not kept when it is ended in the instant in which it is granted', async () => {
    const taken = taking()
    turn.end()
    expect(await taken()).toBe(true)
    expect(platform.locks.isHeld(NAME)).toBe(false)
    expect(await taking()()).toBe(true)
    expect(platform.locks.isHeld(NAME)).toBe(true)
  })

  it('is not waited for where the browser denies locks', async () => {
    const request = () => Promise.reject(new DOMException('denied', 'SecurityError'))
    const denied = { ...platform, locks: { ...platform.locks, request } }
    expect(await taking(createExchangeTurn(denied, NAME))()).toBe(true)
    expect(platform.timers()).toBe(0)
  })
})
