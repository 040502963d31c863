import { beforeEach, describe, expect, it } from 'vitest'
import { createLeaderLock, type LeaderLock } from '../../../../worker/leadership/leader-lock.ts'
import { createFakeLocks, type FakeLocks } from '../../harness/locks.ts'
import { settle } from '../../harness/turns.ts'

const NAME = 'tabstream:leader:key'

describe('the lock of a key', () => {
  let locks: FakeLocks
  let lock: LeaderLock
  let told: string[]

  beforeEach(() => {
    locks = createFakeLocks()
    lock = createLeaderLock({ locks }, NAME)
    told = []
  })

  const ask = (who: string, steal = false) =>
    lock.ask(steal, {
      onGranted: () => told.push(`${who} granted`),
      onLost: () => told.push(`${who} lost`),
      onRefused: (cause) => told.push(`${who} refused: ${cause}`),
    })

  it('L1 is granted to one at a time, and passes on once it is given back', async () => {
    const one = ask('one')
    ask('two')
    await settle()
    expect(told).toEqual(['one granted'])
    one.release()
    await settle()
    expect(told).toEqual(['one granted', 'two granted'])
  })

  it('L3 tells its holder of a steal, and nobody of what became of a request that it has forgotten', async () => {
    ask('one')
    await settle()
    const thief = ask('thief', true)
    await settle()
    expect(told).toEqual(['one granted', 'one lost', 'thief granted'])
    thief.forget()
    ask('another', true)
    await settle()
    expect(told.slice(3)).toEqual(['another granted'])
  })

  it('S1 a request that is forgotten keeps the lock until it is released', async () => {
    const one = ask('one')
    await settle()
    one.forget()
    ask('two')
    await settle()
    expect([locks.isHeld(NAME), told]).toEqual([true, ['one granted']])
    one.release()
    await settle()
    expect(told).toEqual(['one granted', 'two granted'])
  })

  it('withdraws a request that still waits, also one whose grant is on its way', async () => {
    const letGo = locks.hold(NAME)
    await settle()
    const waiting = ask('waiting')
    waiting.forget()
    await settle()
    expect(locks.queued(NAME)).toBe(0)
    const crossing = ask('crossing')
    letGo()
    crossing.release()
    await settle()
    expect([told, locks.isHeld(NAME)]).toEqual([[], false])
  })

  it('L1 tells of a refusal, whose cause is the browser’s', async () => {
    locks.deny(true)
    ask('one')
    await settle()
    expect(told).toEqual(['one refused: SecurityError: The request was denied.'])
  })

  it('A4 knows whether anybody holds it or waits for it', async () => {
    expect(await lock.isAsked()).toBe(false)
    const letGo = locks.hold(NAME)
    await settle()
    expect(await lock.isAsked()).toBe(true)
    letGo()
    await settle()
    expect(await lock.isAsked()).toBe(false)
  })
})
