import { beforeEach, describe, expect, it } from 'vitest'
import { openLogStore } from '../../../../worker/log/store.ts'
import {
  clearIndexedDb,
  committed,
  event,
  events,
  ids,
  openLog,
  openMemoryLog,
  readAll,
} from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

const storedIds = async () => {
  const store = await openLogStore('log', () => {})
  const { records } = await store.all()
  store.close()
  return ids(records.flatMap((record) => record.events))
}

describe('B2 the log keeps to its bounds', () => {
  let platform: FakePlatform

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
  })

  it('of events: the oldest go, and about as many stay as were asked for', async () => {
    const { log } = openLog({ platform, bounds: { events: 100 } })
    for (let id = 1; id <= 1_000; id += 10) {
      await log.append(events(id, id + 9))
      await committed(log, platform)
    }
    const kept = log.head() - log.first() + 1
    expect(kept).toBeGreaterThanOrEqual(90)
    expect(kept).toBeLessThanOrEqual(110)
    expect((await readAll(log)).at(0)?.seq).toBe(log.first())
    await log.close()
    const left = (await storedIds()).length
    expect(left).toBeGreaterThanOrEqual(90)
    expect(left).toBeLessThanOrEqual(110)
  })

  it('of bytes', async () => {
    const { log } = openLog({ platform, bounds: { bytes: 10_000 } })
    for (let id = 1; id <= 200; id++) {
      await log.append([event(String(id), 'x'.repeat(490))])
      await committed(log, platform)
    }
    expect(log.head() - log.first() + 1).toBeLessThanOrEqual(22)
    expect(log.head() - log.first() + 1).toBeGreaterThanOrEqual(17)
    await log.close()
    expect((await storedIds()).length).toBeLessThanOrEqual(22)
  })

  it('of age: what is older goes when something new comes', async () => {
    const { log } = openLog({ platform, bounds: { age: 60_000 } })
    await log.append(events(1, 3))
    await committed(log, platform)
    await platform.advance(60_001)
    await log.append(events(4, 4))
    await committed(log, platform)
    await log.append(events(5, 5))
    await committed(log, platform)
    expect(ids(await readAll(log))).toEqual(['4', '5'])
    await log.close()
    expect(await storedIds()).toEqual(['4', '5'])
  })

  it('B2 of age: what is older goes from an idle hub too, once a minute at most', async () => {
    const { log } = openLog({ platform, bounds: { age: 90_000 } })
    await log.append(events(1, 3))
    await committed(log, platform)
    await platform.advance(30_000)
    await log.append(events(4, 4))
    await committed(log, platform)
    await platform.advance(59_000)
    expect(await storedIds()).toEqual(['1', '2', '3', '4'])
    await platform.advance(2_000)
    expect([log.first(), log.head(), await storedIds()]).toEqual([4, 4, ['4']])
    await platform.advance(58_000)
    expect(await storedIds()).toEqual(['4'])
    await platform.advance(3_000)
    expect([log.first(), log.head(), await storedIds()]).toEqual([5, 4, []])
    expect(platform.timers()).toBe(0)
    await log.append(events(5, 5))
    await log.close()
    expect(platform.timers()).toBe(0)
  })

  it('B2 of age, in memory and on an idle hub', async () => {
    const { log } = await openMemoryLog(platform, { age: 90_000 })
    await log.append(events(1, 3))
    await platform.advance(91_000)
    expect([log.first(), log.head()]).toEqual([4, 3])
  })

  it('when it is opened again after a long time', async () => {
    const before = openLog({ platform, bounds: { age: 60_000 } })
    await before.log.append(events(1, 3))
    await before.log.close()
    platform.setClock(3_600_000)
    const { log, led } = openLog({ platform, bounds: { age: 60_000 } })
    await led
    expect([log.first(), log.head(), log.lastEventId()]).toEqual([4, 3, '3'])
  })

  it('of a single event: the newest one a log of one event keeps', async () => {
    const { log } = openLog({ platform, bounds: { events: 1 } })
    for (let id = 1; id <= 5; id++) {
      await log.append(events(id, id))
      await committed(log, platform)
    }
    expect(ids(await readAll(log)).at(-1)).toBe('5')
  })

  it('D3 a trimmed event that comes again is new: the log holds it no more', async () => {
    const { log } = openLog({ platform, bounds: { events: 20 } })
    for (let id = 1; id <= 100; id++) {
      await log.append(events(id, id))
      await committed(log, platform)
    }
    expect(log.start({ after: '1' })).toBeNull()
    await log.connected(true)
    expect(await log.append([event('100')])).toBe(0)
    expect(await log.append([event('1')])).toBe(1)
  })

  it('does not trim what IndexedDB has not taken yet from memory', async () => {
    const { log } = openLog({ platform, bounds: { events: 100 } })
    await log.ready
    await log.append(events(1, 90))
    expect(ids(await readAll(log, 0))).toHaveLength(90)
  })

  it('in memory by the event: of events, of bytes, of age', async () => {
    const byEvents = await openMemoryLog(platform, { events: 100 })
    await byEvents.log.append(events(1, 250))
    expect([byEvents.log.first(), byEvents.log.head()]).toEqual([151, 250])

    const byBytes = await openMemoryLog(platform, { bytes: 1_000 })
    for (let id = 1; id <= 20; id++) await byBytes.log.append([event(String(id), 'x'.repeat(90))])
    expect(byBytes.log.first()).toBe(11)

    const byAge = await openMemoryLog(platform, { age: 60_000 })
    await byAge.log.append(events(1, 3))
    platform.setClock(60_001)
    await byAge.log.append(events(4, 4))
    expect(ids(await readAll(byAge.log))).toEqual(['4'])
  })
})
