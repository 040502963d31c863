import { openDB } from 'idb'
import { beforeEach, describe, expect, it } from 'vitest'
import type { LoggedEvent } from '../../../../src/shared/events.ts'
import type { Log } from '../../../../worker/log/log.ts'
import { kindOf } from '../../../../worker/log/newest.ts'
import type { Received } from '../../../../worker/log/received.ts'
import { type Commit, type LogStore, openLogStore } from '../../../../worker/log/store.ts'
import { createRandom } from '../../../random.ts'
import { control, left, live, refusal } from '../../harness/controls.ts'
import { clearIndexedDb, committed, event, ids, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('ST3 the newest of each topic and type outlives trimming', () => {
  let platform: FakePlatform
  let log: Log
  let commits: Commit[]
  let count: number

  const open = async (over: { newest?: number; broken?: boolean } = {}) => {
    const recorded = async (onLost: () => void): Promise<LogStore> => {
      if (over.broken) throw new Error('no IndexedDB')
      const store = await openLogStore('log', onLost)
      return {
        ...store,
        async commit(given) {
          commits.push(given)
          await store.commit(given)
        },
      }
    }
    const opened = openLog({ platform, open: recorded, bounds: { events: 20, newest: over.newest ?? 200 } })
    await opened.led
    log = opened.log
  }
  /** Another hub goes on with the database. */
  const reopen = async (over?: { newest?: number }) => {
    await log.close()
    await open(over)
  }
  const append = async (...all: Received[]) => {
    await log.append(all)
    await committed(log, platform)
  }
  /** So many of a type that is none of those that are looked at. */
  const push = async (more: number) => {
    for (let left = more; left > 0; left--) await append(event(`f${++count}`, 'x', 'filler'))
  }
  const outlived = () => ids(log.outlived())
  const stored = async () => {
    const store = await openLogStore('log', () => {})
    const { newest } = await store.all()
    store.close()
    return ids(newest)
  }

  beforeEach(async () => {
    clearIndexedDb()
    platform = createFakePlatform()
    commits = []
    count = 0
    await open()
  })

  it('is there when its record is gone, for this hub and the next', async () => {
    await append(
      event('1', 'old', 'a'),
      event('2', 'new', 'a'),
      event('3', 'x', 'b'),
      event('4', 'x', 'filler'),
    )
    await push(40)
    expect(log.first()).toBeGreaterThan(4)
    expect(outlived()).toEqual(['2', '3'])
    expect(log.newest(null, 'a')).toMatchObject({ id: '2', data: 'new', seq: 2 })
    await reopen()
    expect(outlived()).toEqual(['2', '3'])
    await reopen()
    expect(log.newest(null, 'a')).toMatchObject({ id: '2', data: 'new', seq: 2 })
    await append(event('5', 'x', 'a'))
    expect(outlived()).toEqual(['3'])
    await push(40)
    expect(await stored()).toEqual(['3', '5'])
  })

  it('costs a commit nothing, and a trim one write for each event that goes with it', async () => {
    await append(event('1', 'x', 'a'))
    await push(100)
    const writes = commits.map(({ newest }) => newest)
    expect(writes.filter(({ put }) => put.length > 0)).toMatchObject([{ put: [{ id: '1' }] }])
    expect(writes.every(({ drop }) => drop.length === 0)).toBe(true)
    expect(writes.slice(1).every(({ clear }) => !clear)).toBe(true)
  })

  it('is of so many types at most: the oldest go, in the database as well', async () => {
    await reopen({ newest: 3 })
    for (let type = 1; type <= 4; type++) await append(event(String(type), 'x', `type ${type}`))
    await push(40)
    expect(outlived()).toEqual(['3', '4'])
    await append(event('5', 'x', 'type 5'))
    await push(40)
    expect(outlived()).toEqual(['4', '5'])
    expect(await stored()).toEqual(['4', '5'])
  })

  it('has 2 MiB at most', async () => {
    for (const id of ['1', '2', '3']) await append(event(id, 'x'.repeat(900_000), `type ${id}`))
    await push(40)
    expect(outlived()).toEqual(['2', '3'])
  })

  it('is gone after a reset, in the database as well', async () => {
    await append(event('1', 'x', 'a'))
    await push(40)
    expect(await stored()).toEqual(['1'])
    await log.restart('server')
    await log.flush()
    expect(outlived()).toEqual([])
    expect(await stored()).toEqual([])
  })

  it.each([
    ['that is refused', control('t', { is: 'refused', error: refusal('t') })],
    ['that is reset', control('t', { is: 'reset', reason: 'server' })],
    ['that is left', left('t')],
  ])('is gone with a topic %s, for all hubs, and other topics keep theirs', async (_, end) => {
    await append(live('t'), live('u'), event('1', 'x', 'a', 't'), event('2', 'x', 'a', 'u'))
    await append(event('3', 'x', 'a'))
    await push(40)
    expect(outlived()).toEqual(['1', '2', '3'])
    await append(end)
    expect(outlived()).toEqual(['2', '3'])
    expect(await stored()).toEqual(['2', '3'])
    await push(40)
    await reopen()
    expect(outlived()).toEqual(['2', '3'])
  })

  it('is the older one again where another leader goes on from before the newer one', async () => {
    await append(event('1', 'x', 'a'), event('2', 'x', 'b'))
    await push(40)
    await append(event('3', 'x', 'b'))
    const { head } = log.position()
    await log.append([event('4', 'x', 'a'), event('5', 'x', 'b')])
    expect(log.newest(null, 'a')?.id).toBe('4')
    const position = log.position()
    log.follow()
    const other = { leader: 'other', startsAfter: head, lastEventId: '3' }
    const leaders = [...position.leaders, other]
    await log.align({ ...position, term: position.term + 1, leader: 'other', leaders, head }, log.first())
    expect([log.newest(null, 'a')?.id, log.newest(null, 'b')?.id]).toEqual(['1', '3'])
  })

  it('lives in memory where there is no IndexedDB', async () => {
    await open({ broken: true })
    await log.append([event('1', 'x', 'a')])
    for (let filler = 0; filler < 40; filler++) await log.append([event(`f${filler}`, 'x', 'filler')])
    expect(outlived()).toEqual(['1'])
  })

  it('takes over a database of before, with its events', async () => {
    await append(event('1', 'x', 'a'))
    await log.close()
    const old = await openDB('log')
    const [position, records] = [await old.get('position', 'position'), await old.getAll('records')]
    old.close()
    clearIndexedDb()
    const version1 = await openDB('log', 1, {
      upgrade(database) {
        database.createObjectStore('records', { keyPath: 'first' })
        database.createObjectStore('position')
      },
    })
    await version1.put('position', position, 'position')
    for (const record of records) await version1.put('records', record)
    version1.close()
    await open()
    expect(ids(await log.read(0))).toEqual(['1'])
    await push(40)
    await reopen()
    expect(outlived()).toEqual(['1'])
  })

  it.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'is what a list of all events says, over trims, hubs, resets and topics (seed %i)',
    async (seed) => {
      const random = createRandom(seed + 1)
      const upTo = (most: number) => Math.floor(random() * most)
      let model = new Map<string, LoggedEvent>()
      const topics = new Set<string>()
      const check = () => {
        for (const each of model.values()) expect(log.newest(each.topic, each.type)?.id).toBe(each.id)
        const expected = [...model.values()]
          .filter(({ seq }) => seq < log.first())
          .sort((a, b) => a.seq - b.seq)
        expect(outlived()).toEqual(ids(expected))
      }
      const acts = [
        async () => {
          const topic = random() < 0.5 ? null : `t${upTo(3)}`
          if (topic !== null && !topics.has(topic)) await append(live(topic))
          if (topic !== null) topics.add(topic)
          // Some types are frequent, others rare.
          await append(event(String(++count), 'x', `type ${upTo(1 + upTo(6))}`, topic))
          const made = (await log.read(log.head() - 1))[0]!
          model.delete(kindOf(made))
          model.set(kindOf(made), made)
        },
        async () => {
          if (random() < 0.9) return
          const topic = `t${upTo(3)}`
          if (!topics.has(topic)) return
          const isReset = random() < 0.5
          await append(isReset ? control(topic, { is: 'reset', reason: 'server' }) : left(topic))
          if (!isReset) topics.delete(topic)
          model = new Map([...model].filter(([, each]) => each.topic !== topic))
        },
        async () => {
          if (random() < 0.95) return
          await log.restart('server')
          await log.flush()
          model.clear()
        },
        async () => {
          if (random() < 0.9) return
          await reopen()
        },
      ]
      for (let step = 0; step < 200; step++) {
        await acts[random() < 0.7 ? 0 : upTo(acts.length)]!()
        check()
      }
    },
  )
})
