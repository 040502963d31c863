import { beforeEach, describe, expect, it } from 'vitest'
import { placeFormerTab } from '../../../../worker/tabs/locate-tab.ts'
import { clearIndexedDb, committed, event, events, ids, openLog, readAll } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at))

describe('reading and placing', () => {
  let platform: FakePlatform

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
  })

  const open = async (bounds = {}) => {
    const opened = openLog({ platform, bounds })
    await opened.log.ready
    return opened
  }

  it('D4 reads without holes across what is stored and what is in memory', async () => {
    const { log } = await open()
    for (let from = 1; from <= 4_800; from += 100) await log.append(events(from, from + 99))
    await committed(log, platform)
    await log.append(events(4_801, 4_850))
    expect(log.read(4_500)).toBeInstanceOf(Array)
    expect(log.read(0)).toBeInstanceOf(Promise)
    expect(ids(await readAll(log, 0))).toEqual(numbers(1, 4_850))
    expect(ids(await readAll(log, 1_234))).toEqual(numbers(1_235, 4_850))
    expect(await log.read(4_850)).toEqual([])
  })

  it('D4 reads from every place, however records are cut', async () => {
    const { log } = await open()
    for (let from = 1; from <= 1_400; from += 7) await log.append(events(from, Math.min(from + 6, 1_400)))
    await committed(log, platform)
    for (let after = 0; after < 1_400; after += 37) {
      const read = await log.read(after)
      expect(ids(read)).toEqual(numbers(after + 1, after + read.length))
      expect(read.length).toBeGreaterThan(0)
      expect(read.length).toBeLessThanOrEqual(2_000)
    }
  })

  it('D4 reads from the first event that is left on, when the log has been trimmed', async () => {
    const { log } = await open({ events: 3_000 })
    for (let from = 1; from <= 6_000; from += 250) {
      await log.append(events(from, from + 249))
      await committed(log, platform)
    }
    const first = log.first()
    expect(first).toBeGreaterThan(3_000)
    expect(ids(await readAll(log))).toEqual(numbers(first, 6_000))
    expect(log.isDurable()).toBe(true)
  })

  it('reads at most about 1 Mi characters at once', async () => {
    const { log } = await open()
    const large = numbers(1, 8).map((id) => event(id, 'x'.repeat(600_000)))
    for (const each of large) await log.append([each])
    await committed(log, platform)
    expect(ids(await log.read(0))).toEqual(['1', '2'])
    expect(ids(await readAll(log, 0))).toEqual(numbers(1, 8))
  })

  it('D4 reads an event that is too large for the memory beside IndexedDB', async () => {
    const { log } = await open()
    await log.append([event('1', 'x'.repeat(3 * 1024 * 1024))])
    await committed(log, platform)
    await log.append([{ givenId: null, id: '1', type: null, data: '', topic: null }])
    expect(log.first()).toBe(1)
    expect(ids(await log.read(0))).toEqual(['1'])
  })

  it('D5 starts from now, from the start, from the last n, and after an id', async () => {
    const { log } = await open()
    const epoch = log.epoch()
    expect(log.start('start')).toEqual({ epoch, seq: 0 })
    await log.append([...events(1, 3), event(null, 'without id'), event('5')])
    expect(log.start('now')).toEqual({ epoch, seq: 5 })
    expect(log.start('start')).toEqual({ epoch, seq: 0 })
    expect(log.start({ last: 2 })).toEqual({ epoch, seq: 3 })
    expect(log.start({ last: 0 })).toEqual({ epoch, seq: 5 })
    expect(log.start({ last: 99 })).toEqual({ epoch, seq: 0 })
    expect(log.start({ after: '2' })).toEqual({ epoch, seq: 2 })
    expect(log.start({ after: '5' })).toEqual({ epoch, seq: 5 })
    expect(log.start({ after: 'unknown' })).toBeNull()
  })

  it('D5 now is when the page connected, not when it has attached', async () => {
    const { log } = await open()
    await log.append(events(1, 2))
    await platform.advance(10)
    const since = platform.now()
    await log.append(events(3, 4))
    await platform.advance(10)
    expect(log.start('now', since)!.seq).toBe(2)
    expect(log.start('now', since + 1)!.seq).toBe(4)
    // What a clock says that was set back since is older, and not what comes.
    platform.setClock(-3_600_000)
    expect(log.start('now', platform.now())!.seq).toBe(4)
  })

  it('D5 after an id that came without an event starts at the head', async () => {
    const { log } = await open()
    await log.append([event('1'), { givenId: '2', id: '2', type: null, data: '', topic: null }])
    expect(log.start({ after: '2' })).toEqual({ epoch: log.epoch(), seq: 1 })
  })

  it('D5 an id that came twice means the newest', async () => {
    const { log } = await open()
    await log.append([event('1', 'x'), event('2'), event('1', 'y')])
    expect(log.start({ after: '1' })).toMatchObject({ seq: 3 })
  })

  it('D4 places a cursor where it stood', async () => {
    const { log } = await open()
    await log.append(events(1, 3))
    const cursor = { epoch: log.epoch(), seq: 2 }
    expect(placeFormerTab(log.facts(), cursor, null)).toEqual({ cursor, reset: null })
    expect(placeFormerTab(log.facts(), { ...cursor, seq: 0 }, null)).toEqual({
      cursor: { ...cursor, seq: 0 },
      reset: null,
    })
  })

  it('D2 places a cursor beyond the head at the head: a dead hub delivered more than it committed', async () => {
    const { log } = await open()
    await log.append(events(1, 3))
    const { epoch } = log.start('now')!
    expect(placeFormerTab(log.facts(), { epoch, seq: 9 }, null)).toEqual({
      cursor: { epoch, seq: 3 },
      reset: null,
    })
  })

  it('D4 places a cursor that was outrun at the head, with `fell-behind`', async () => {
    const { log } = await open({ events: 100 })
    for (let from = 1; from <= 300; from += 10) {
      await log.append(events(from, from + 9))
      await committed(log, platform)
    }
    await log.append(events(301, 301))
    const { epoch } = log.start('now')!
    const first = log.first()
    expect(first).toBeGreaterThan(150)
    expect(placeFormerTab(log.facts(), { epoch, seq: first - 2 }, null)).toEqual({
      cursor: { epoch, seq: 301 },
      reset: 'fell-behind',
    })
    expect(placeFormerTab(log.facts(), { epoch, seq: first - 1 }, null).reset).toBeNull()
  })

  it('D1 places a cursor of a log that is gone at the head, with `log-lost`', async () => {
    const { log } = await open()
    await log.append(events(1, 3))
    const now = { epoch: log.epoch(), seq: 3 }
    expect(placeFormerTab(log.facts(), { epoch: 'another', seq: 2 }, null)).toEqual({
      cursor: now,
      reset: 'log-lost',
    })
  })
})
