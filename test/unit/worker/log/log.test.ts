import { beforeEach, describe, expect, it } from 'vitest'
import { pause } from '../../../../worker/base/platform.ts'
import { openLogStore } from '../../../../worker/log/store.ts'
import { clearIndexedDb, committed, event, events, ids, openLog, readAll } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle, until } from '../../harness/turns.ts'

const stored = async () => {
  const store = await openLogStore('log', () => {})
  const found = await store.all()
  store.close()
  return found
}

describe('the log', () => {
  let platform: FakePlatform

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
  })

  const open = async (bounds = {}) => {
    const opened = openLog({ platform, bounds })
    await opened.led
    return opened
  }

  it('counts its events by one, in order, and knows who sent what when', async () => {
    const { log, appended } = await open()
    expect([log.first(), log.head(), log.lastEventId(), log.isDurable()]).toEqual([1, 0, '', true])
    expect(await log.append([event('a', 'x', 'greeting'), event(null, 'y')])).toBe(2)
    expect(await log.read(0)).toEqual([
      { seq: 1, id: 'a', hasOwnId: true, type: 'greeting', data: 'x', at: platform.now(), topic: null },
      { seq: 2, id: '', hasOwnId: false, type: 'message', data: 'y', at: platform.now(), topic: null },
    ])
    expect([log.first(), log.head(), log.lastEventId()]).toEqual([1, 2, 'a'])
    expect(appended).toEqual([{ after: 0, events: await log.read(0) }])
  })

  it('D2 delivers at once, and commits events and position in one transaction right behind', async () => {
    const { log } = await open()
    await log.append(events(1, 3))
    expect(log.head()).toBe(3)
    expect(log.committed()).toBe(0)
    await committed(log, platform)
    const { position, records } = await stored()
    expect(position).toMatchObject({ epoch: log.epoch(), head: 3, lastEventId: '3' })
    expect(ids(records.flatMap((record) => record.events))).toEqual(['1', '2', '3'])
  })

  it('writes one record a batch, of at most 500 events', async () => {
    const { log } = await open()
    await log.append(events(1, 600))
    const at = platform.now()
    await committed(log, platform)
    const { records } = await stored()
    expect(records.map(({ first, last }) => [first, last])).toEqual([
      [1, 500],
      [501, 600],
    ])
    expect(records[0]).toMatchObject({ at, events: { length: 500 } })
  })

  it('has one transaction under way, and where events come fast the next takes all of the next second', async () => {
    const commits: number[] = []
    const { log, led } = openLog({
      platform,
      open: async (onLost) => {
        const store = await openLogStore('log', onLost)
        const commit: typeof store.commit = (given) => {
          commits.push(given.records.reduce((sum, record) => sum + record.events.length, 0))
          return store.commit(given)
        }
        return { ...store, commit }
      },
    })
    await led
    commits.length = 0
    for (let id = 1; id <= 10; id++) await log.append(events(id, id))
    // Delivered first.
    expect(commits).toEqual([])
    await platform.advance(0)
    await until(() => log.committed() === 10)
    for (let id = 11; id <= 20; id++) await log.append(events(id, id))
    await platform.advance(999)
    expect(commits).toEqual([10])
    await platform.advance(1)
    await until(() => log.committed() === 20)
    expect(commits).toEqual([10, 10])
  })

  it.each<[took: number, apart: number, string, { size?: number; hasFollowers?: boolean; every: number }]>([
    [1, 1_000, 'a quiet stream is not all commits', { every: 10 }],
    [30, 1_000, 'a quiet stream is not all commits', { every: 10 }],
    [1, 100, 'a flood does not fill the memory', { size: 20_000, every: 1 }],
    [30, 100, 'a flood does not fill the memory', { size: 20_000, every: 1 }],
    [1, 100, 'tabs of hubs that follow join soon', { hasFollowers: true, every: 1 }],
  ])(
    'D2 where one takes %i ms, they are %i ms apart: %s',
    async (took, apart, _, { size = 100, hasFollowers = false, every }) => {
      const begun: number[] = []
      const { log } = openLog({
        platform,
        hasFollowers: () => hasFollowers,
        open: async (onLost) => {
          const store = await openLogStore('log', onLost)
          const commit = () => {
            begun.push(platform.now())
            return pause(platform, took)
          }
          return { ...store, commit }
        },
      })
      for (let id = 1; id <= 600; id++) {
        void log.append([event(String(id), 'x'.repeat(size))])
        await platform.advance(every, 1)
      }
      const gaps = begun.slice(-4).map((at, index, all) => at - (all[index - 1] ?? at))
      expect(gaps.slice(1)).toEqual([apart, apart, apart])
    },
  )

  it('D2 commits an event whatever the moment it comes at, the end of a transaction included', async () => {
    for (let microtasks = 0; microtasks < 30; microtasks++) {
      let end = () => {}
      const commit = () =>
        new Promise<void>((resolve) => {
          end = resolve
        })
      const { log, led } = openLog({
        platform,
        open: async (onLost) => ({ ...(await openLogStore('log', onLost)), commit }),
      })
      await settle()
      end()
      await led
      await log.append(events(1, 1))
      await platform.advance(0)
      end()
      for (let left = microtasks; left > 0; left--) await Promise.resolve()
      await log.append(events(2, 2))
      await platform.advance(100)
      end()
      await settle()
      expect(log.committed(), `${microtasks} microtasks after a commit`).toBe(2)
    }
  })

  it('D6 goes on after the last committed id when it is opened again', async () => {
    const before = await open()
    await before.log.append(events(1, 3))
    await before.log.close()
    const { log, durable } = await open()
    expect([log.epoch(), log.head(), log.committed()]).toEqual([before.log.epoch(), 3, 3])
    expect(log.lastEventId()).toBe('3')
    expect(log.streamClient()).toBe(before.log.streamClient())
    expect(durable.filter((cause) => cause !== null)).toEqual([])
    await log.append(events(4, 4))
    expect(ids(await readAll(log))).toEqual(['1', '2', '3', '4'])
  })

  it('D2 commits what is left when it is closed', async () => {
    const { log } = await open()
    await log.append(events(1, 3))
    await log.close()
    expect((await stored()).position).toMatchObject({ head: 3, lastEventId: '3' })
  })

  it('D2 commits what is left when it is closed while a transaction is under way', async () => {
    const { log } = await open()
    await log.append(events(1, 1))
    await log.append(events(2, 3))
    await log.close()
    expect((await stored()).position).toMatchObject({ head: 3, lastEventId: '3' })
  })

  it('adopts an id that came without an event, and commits it', async () => {
    const { log, appended } = await open()
    await log.append([event('1')])
    expect(await log.append([{ givenId: '2', id: '2', type: null, data: '', topic: null }])).toBe(0)
    expect([log.lastEventId(), log.head()]).toEqual(['2', 1])
    // Nothing for a tab, but followers take over the position (L2).
    expect(appended.at(-1)).toEqual({ after: 1, events: [] })
    await log.close()
    expect((await stored()).position).toMatchObject({ head: 1, lastEventId: '2' })
  })

  it('forgets the position when the server sends an empty id', async () => {
    const { log } = await open()
    await log.append([event('1'), event('', 'x')])
    expect(log.lastEventId()).toBe('')
    expect((await log.read(1))[0]).toMatchObject({ id: '', hasOwnId: false })
  })

  describe('D3 a duplicate', () => {
    it('is an event whose own id, type and data the log holds already, where a resumed connection begins', async () => {
      const { log, metrics } = await open()
      await log.append(events(1, 3))
      await log.connected(true)
      expect(await log.append([event('2'), event('4')])).toBe(1)
      expect(ids(await readAll(log))).toEqual(['1', '2', '3', '4'])
      expect(metrics.snapshot(0)).toMatchObject({ duplicatesDropped: 1, eventsReceived: { total: 4 } })
    })

    it('is known after reopening, when only IndexedDB holds it', async () => {
      const before = await open()
      await before.log.append(events(1, 1_500))
      await before.log.close()
      const { log, metrics } = await open()
      await log.connected(true)
      expect(await log.append([event('1'), event('700'), event('1500'), event('1501')])).toBe(1)
      expect(metrics.snapshot(0).duplicatesDropped).toBe(3)
    })

    it('is not an event of the same id with other data, or another type', async () => {
      const { log, metrics } = await open()
      await log.append([event('1', 'x')])
      await log.connected(true)
      expect(await log.append([event('1', 'y')])).toBe(1)
      await log.connected(true)
      expect(await log.append([event('1', 'x', 'other')])).toBe(1)
      await log.connected(true)
      expect(await log.append([event('1', 'x'), event('1', 'y')])).toBe(0)
      expect(metrics.snapshot(0).duplicatesDropped).toBe(2)
    })

    it('is not an event that comes twice within one connection, in one chunk or in several', async () => {
      const { log, metrics } = await open()
      await log.append(events(1, 3))
      await log.connected(true)
      expect(await log.append([event('4'), event('4')])).toBe(2)
      expect(await log.append([event('4'), event('2')])).toBe(2)
      expect(ids(await readAll(log))).toEqual(['1', '2', '3', '4', '4', '4', '2'])
      expect(metrics.snapshot(0).duplicatesDropped).toBe(0)
    })

    it('does not exist on a connection that asked for no position, nor with `dedupe: false`', async () => {
      const { log } = await open()
      await log.append(events(1, 3))
      await log.connected(false)
      expect(await log.append([event('3')])).toBe(1)
      const { log: other } = openLog({ platform, dedupe: false })
      await other.ready
      await other.connected(true)
      expect(await other.append([event('3')])).toBe(1)
    })

    it('is not one of two equal events without ids', async () => {
      const { log, metrics } = await open()
      await log.connected(true)
      expect(await log.append([event(null, 'x'), event(null, 'x')])).toBe(2)
      expect(await log.append([{ ...event(null, 'x'), id: 'inherited' }])).toBe(1)
      expect(metrics.snapshot(0).duplicatesDropped).toBe(0)
    })

    it('does not pull the position back', async () => {
      const { log } = await open()
      await log.append(events(1, 3))
      await log.connected(true)
      expect(await log.append([event('2')])).toBe(0)
      expect(log.lastEventId()).toBe('3')
    })
  })
})
