import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../worker/log/database.ts'
import type { LogStore } from '../../../../worker/log/store.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { defer, settle } from '../../harness/turns.ts'

const never = () => new Promise<never>(() => {})

describe('D2 the IndexedDB of a log', () => {
  let platform: FakePlatform
  let lost: string[]
  let retries: number
  let closed: number
  /** What the next opening, and the next reading, come to. */
  let opening: () => Promise<void>
  let reading: () => Promise<void>
  let onLost: () => void

  const open = () =>
    createDatabase({
      platform,
      async open(tell) {
        onLost = tell
        await opening()
        return { close: () => void closed++ } as LogStore
      },
      takeOver: () => reading(),
      onLost: (cause) => lost.push(cause),
      onRetry: () => retries++,
    })

  beforeEach(() => {
    platform = createFakePlatform()
    lost = []
    retries = closed = 0
    opening = reading = async () => {}
  })

  it('is trusted once it is read, if it has never failed', async () => {
    const read = defer<void>()
    reading = () => read.promise
    const database = open()
    const loading = database.load()
    await settle()
    expect([database.store() !== null, database.isRead(), database.isTrusted()]).toEqual([true, false, false])
    read.resolve()
    await loading
    expect([database.isRead(), database.isTrusted(), database.prove()]).toEqual([true, true, false])
  })

  it('is suspect after a failure, until a commit stands: a full disk reads well', async () => {
    const database = open()
    await database.load()
    database.lose(database.store()!, new DOMException('full', 'QuotaExceededError'))
    expect([database.store(), lost, closed]).toEqual([null, ['QuotaExceededError: full'], 1])
    await database.load()
    expect([database.isRead(), database.isTrusted()]).toEqual([true, false])
    expect([database.prove(), database.isTrusted(), database.prove()]).toEqual([true, true, false])
  })

  it('is tried again after 1 s, then after twice as long each time, at most 30 s; a commit that stands starts over', async () => {
    opening = () => Promise.reject(new Error('no'))
    const database = open()
    const waits: (number | null)[] = []
    for (let time = 0; time < 7; time++) {
      await database.load()
      waits.push(platform.nextTimer())
      await platform.advance(platform.nextTimer()!)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(retries).toBe(7)
    opening = async () => {}
    await database.load()
    database.prove()
    database.lose(database.store()!, new Error('no'))
    expect(platform.nextTimer()).toBe(1_000)
  })

  it.each(['opening', 'reading'])('has failed after 3 s of %s', async (what) => {
    const database = open()
    if (what === 'opening') opening = never
    else reading = () => database.limited(never())
    const loading = database.load()
    await platform.advance(2_999)
    expect(lost).toEqual([])
    await platform.advance(1)
    await loading
    expect(lost).toHaveLength(1)
  })

  it('what a connection says that another has taken the place of counts no more', async () => {
    const database = open()
    await database.load()
    const former = database.store()!
    onLost()
    await database.load()
    database.lose(former, new Error('late'))
    expect(lost).toHaveLength(1)
    expect(database.store()).not.toBeNull()
  })

  it('is over once it is closed: what opens later is closed, and nothing is tried again', async () => {
    const held = defer<void>()
    opening = () => held.promise
    const database = open()
    const loading = database.load()
    database.close()
    held.resolve()
    await loading
    expect([database.store(), closed]).toEqual([null, 1])
    await platform.advance(60_000)
    expect([retries, lost]).toEqual([0, []])
  })
})
