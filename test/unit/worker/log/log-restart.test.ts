import { beforeEach, describe, expect, it } from 'vitest'
import { placeFormerTab } from '../../../../worker/tabs/locate-tab.ts'
import { clearIndexedDb, event, events, ids, openLog, readAll } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('a restart of the log', () => {
  let platform: FakePlatform

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
  })

  it('D1 gives another epoch, forgets the events, and tells every cursor of the old one why', async () => {
    const { log, metrics, appended } = openLog({ platform })
    await log.append(events(1, 3))
    const old = log.epoch()
    const before = appended.length
    await log.restart('server', 'from-here')
    expect(appended.slice(before)).toEqual([{ after: 3, events: [] }])
    expect(log.epoch()).not.toBe(old)
    expect(log.lastEventId()).toBe('from-here')
    expect([log.first(), log.head(), await log.read(3)]).toEqual([4, 3, []])
    await log.append(events(4, 5))
    const placed = { cursor: { epoch: log.epoch(), seq: 3 }, reset: 'server' }
    expect(placeFormerTab(log.facts(), { epoch: old, seq: 1 }, null)).toEqual(placed)
    expect(placeFormerTab(log.facts(), { epoch: old, seq: 3 }, null)).toEqual(placed)
    expect(ids(await readAll(log, 3))).toEqual(['4', '5'])
    expect(metrics.snapshot(0).resets).toBe(1)
  })

  it('is remembered over a reopening', async () => {
    const before = openLog({ platform })
    await before.log.append(events(1, 3))
    const old = before.log.epoch()
    await before.log.restart('position-lost', '')
    await before.log.append([event('a'), event('b')])
    await before.log.close()
    const { log } = openLog({ platform })
    await log.ready
    expect(log.lastEventId()).toBe('b')
    expect(placeFormerTab(log.facts(), { epoch: old, seq: 2 }, null)).toEqual({
      cursor: { epoch: log.epoch(), seq: 3 },
      reset: 'position-lost',
    })
    expect(ids(await readAll(log))).toEqual(['a', 'b'])
  })

  it('two in a row: the oldest epoch is lost, the one before is told why', async () => {
    const { log } = openLog({ platform })
    await log.append(events(1, 1))
    const oldest = log.epoch()
    await log.restart('server', '')
    const middle = log.epoch()
    await log.restart('unconfirmed', '')
    expect(placeFormerTab(log.facts(), { epoch: oldest, seq: 1 }, null).reset).toBe('log-lost')
    expect(placeFormerTab(log.facts(), { epoch: middle, seq: 1 }, null).reset).toBe('unconfirmed')
  })

  it('D3 what the old epoch held is no duplicate in the new one', async () => {
    const { log } = openLog({ platform })
    await log.append(events(1, 3))
    await log.connected(true)
    await log.restart('server', '')
    expect(await log.append(events(1, 3))).toBe(3)
  })

  it('leaves nothing of the old epoch in IndexedDB', async () => {
    const before = openLog({ platform })
    await before.log.append(events(1, 600))
    await before.log.restart('server', '')
    await before.log.close()
    const { log } = openLog({ platform })
    await log.ready
    expect([log.first(), log.head()]).toEqual([601, 600])
    expect(log.start({ after: '3' })).toBeNull()
  })

  it('I2 a log that is dropped goes on where it is once its turn has come', async () => {
    const { log } = openLog({ platform })
    const turns = [log.append(events(1, 2)), log.restart('dropped'), log.append(events(3, 3))]
    await turns[1]
    expect(log.lastEventId()).toBe('2')
    await Promise.all(turns)
    expect(ids(await readAll(log))).toEqual(['3'])
  })

  it('takes its turn behind the appends before it', async () => {
    const { log } = openLog({ platform })
    const turns = [log.append(events(1, 2)), log.restart('server', ''), log.append(events(3, 4))]
    await Promise.all(turns)
    expect(ids(await readAll(log))).toEqual(['3', '4'])
  })
})
