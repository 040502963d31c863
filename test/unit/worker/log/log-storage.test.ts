import { beforeEach, describe, expect, it } from 'vitest'
import { placeFormerTab } from '../../../../worker/tabs/locate-tab.ts'
import { clearIndexedDb, committed, event, events, ids, openLog, readAll } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { breakable } from '../../harness/storage.ts'
import { defer, settle, until } from '../../harness/turns.ts'

const never = () => new Promise<never>(() => {})

describe('D2 the log goes on in memory when IndexedDB does not, and is durable again later', () => {
  let platform: FakePlatform
  let state: ReturnType<typeof breakable>['state']
  let setup: Parameters<typeof openLog>[0]

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
    const broken = breakable()
    state = broken.state
    setup = { platform, open: broken.open }
  })

  const reopened = async () => {
    const { log } = openLog({ platform })
    await log.ready
    return log
  }

  it('when it cannot be opened', async () => {
    state.open = () => Promise.reject(new DOMException('no disk', 'QuotaExceededError'))
    const { log, durable } = openLog(setup)
    await log.ready
    expect(log.isDurable()).toBe(false)
    expect(durable).toEqual(['QuotaExceededError: no disk'])
    await log.append(events(1, 3))
    expect(ids(await readAll(log))).toEqual(['1', '2', '3'])
    expect(log.committed()).toBe(0)

    state.open = null
    await platform.advance(10_000)
    await until(() => log.isDurable() && log.committed() === 3)
    await until(() => durable.length === 2)
    expect(durable[1]).toBeNull()
    await log.append(events(4, 4))
    await log.close()
    expect(ids(await readAll(await reopened()))).toEqual(['1', '2', '3', '4'])
  })

  it('D6 when it is too slow to read the events: the stream goes on from the position, which is read first', async () => {
    const { log: before } = openLog(setup)
    await before.append(events(1, 5))
    await before.close()
    state.all = never
    const { log, led, durable } = openLog(setup)
    await until(() => state.opened === 2)
    await platform.advance(2_999)
    expect(durable).toEqual([])
    await platform.advance(1)
    await led
    expect([log.epoch(), log.head(), log.lastEventId()]).toEqual([before.epoch(), 5, '5'])
    expect([log.first(), log.isDurable(), durable.length]).toEqual([6, false, 1])
    await log.append(events(6, 7))

    state.all = null
    await platform.advance(10_000)
    await until(() => log.isDurable() && log.committed() === 7)
    expect(ids(await readAll(log))).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    await log.close()
  })

  it.each([
    ['that takes 5 s is waited for', 5_000, false, 5_000, '5'],
    ['that takes longer than 6 s is not', 10_000, false, 6_000, ''],
    ['need not be waited for if a tab knows it', 5_000, true, 3_000, ''],
    ['that is there in time counts all the same', 1_000, true, 3_000, '5'],
  ])('D6 a position %s', async (_, takes, hurries, readyAfter, lastEventId) => {
    const { log: before } = openLog(setup)
    await before.append(events(1, 5))
    await before.close()
    state.all = never
    state.position = () => new Promise<void>((resolve) => void platform.after(takes, resolve))
    const { log } = openLog(setup)
    if (hurries) log.hurry()
    let isReady = false
    log.ready.then(() => {
      isReady = true
    })
    await until(() => state.opened === 2)
    await platform.advance(readyAfter - 1)
    expect(isReady).toBe(false)
    await platform.advance(1)
    await log.ready
    expect(log.lastEventId()).toBe(lastEventId)
  })

  it('when it hangs for 3 s', async () => {
    const { promise, reject } = defer<never>()
    state.open = () => promise
    const { log, durable } = openLog(setup)
    await platform.advance(2_999)
    expect(durable).toEqual([])
    await platform.advance(1)
    await log.ready
    expect(durable).toHaveLength(1)
    expect(log.isDurable()).toBe(false)
    reject(new Error('too late'))
    await settle()
    expect(durable).toHaveLength(1)
  })

  it.each<[string, () => Promise<never>, number]>([
    ['a commit fails', () => Promise.reject(new DOMException('full', 'QuotaExceededError')), 0],
    ['a commit hangs for 3 s', never, 3_000],
  ])('when %s: nothing is lost, and no event is delivered twice', async (_, commit, ms) => {
    const { log, durable, metrics } = openLog(setup)
    await log.append(events(1, 2))
    await committed(log, platform)
    state.commit = commit
    await log.append(events(3, 4))
    await platform.advance(ms)
    await until(() => !log.isDurable())
    expect(state.closed).toBe(1)
    await log.append(events(5, 6))
    expect(ids(await readAll(log))).toEqual(['1', '2', '3', '4', '5', '6'])
    await log.connected(true)
    expect(await log.append(events(4, 6))).toBe(0)
    expect(metrics.snapshot(0).duplicatesDropped).toBe(3)

    state.commit = null
    const { epoch } = log.start('now')!
    await platform.advance(10_000)
    await until(() => log.committed() === 6)
    await until(() => durable.at(-1) === null)
    expect(log.epoch()).toBe(epoch)
    await log.append(events(7, 7))
    await log.close()
    const again = await reopened()
    expect(again.epoch()).toBe(epoch)
    expect(again.lastEventId()).toBe('7')
    expect(ids(await readAll(again))).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  })

  it('when the disk is full: what only reads well is not durable, and is tried ever more rarely', async () => {
    const { log, durable } = openLog(setup)
    await log.append(events(1, 2))
    await committed(log, platform)
    state.commit = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    await log.append(events(3, 4))
    await platform.advance(0)
    await until(() => !log.isDurable())
    for (let second = 0; second < 60; second++) {
      await platform.advance(1_000)
      expect(log.isDurable()).toBe(false)
    }
    // After 1, 3, 7, 15, 31 s, the first failure included: not one a second.
    await until(() => durable.length === 6)
    expect(durable).not.toContain(null)

    state.commit = null
    await platform.advance(30_000)
    await until(() => log.isDurable() && log.committed() === 4)
    expect(durable.at(-1)).toBeNull()
  })

  it('when another context deletes the database: it lets go of it, and has its own again later', async () => {
    const { log, durable } = openLog(setup)
    await log.append(events(1, 2))
    await committed(log, platform)
    await new Promise((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase('log')
      deletion.onsuccess = resolve
      deletion.onerror = reject
    })
    await until(() => !log.isDurable())
    expect(durable.at(-1)).toMatch(/closed.*site data cleared/)
    await log.append(events(3, 3))
    expect(ids(await readAll(log))).toEqual(['1', '2', '3'])
    await platform.advance(10_000)
    await until(() => log.isDurable() && log.committed() === 3)
    await log.close()
    expect(ids(await readAll(await reopened()))).toEqual(['1', '2', '3'])
  })

  it.each<[string, () => Promise<never>, number]>([
    ['fails', () => Promise.reject(new Error('gone')), 0],
    ['hangs for 3 s', never, 3_000],
  ])('D4 when a read %s: a tab that needed it fell behind, and the rest goes on', async (_, range, ms) => {
    const { log } = openLog(setup)
    for (let from = 1; from <= 4_500; from += 500) await log.append(events(from, from + 499))
    await committed(log, platform)
    const cursor = { epoch: log.epoch(), seq: 0 }
    expect(placeFormerTab(log.facts(), cursor, null).reset).toBeNull()
    state.range = range
    const read = log.read(0)
    await platform.advance(ms)
    expect(await read).toEqual([])
    expect(log.isDurable()).toBe(false)
    expect(placeFormerTab(log.facts(), cursor, null)).toEqual({
      cursor: { ...cursor, seq: 4_500 },
      reset: 'fell-behind',
    })
    expect((await readAll(log)).at(-1)?.id).toBe('4500')
  })

  it('a restart in memory is what the database holds later', async () => {
    const { log } = openLog(setup)
    await log.append(events(1, 2))
    await committed(log, platform)
    state.commit = () => Promise.reject(new Error('no'))
    await log.append(events(3, 3))
    await platform.advance(0)
    await until(() => !log.isDurable())
    await log.restart('server', '')
    await log.append([event('a')])
    state.commit = null
    await platform.advance(10_000)
    await until(() => log.isDurable() && log.committed() === log.head())
    await log.close()
    const again = await reopened()
    expect(again.epoch()).toBe(log.epoch())
    expect(ids(await readAll(again))).toEqual(['a'])
  })
})
