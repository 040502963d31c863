import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  type EventStore,
  type NewEvent,
  type Once,
  type ReadLimit,
  readAll,
} from '../../../demo/server/store/event-store.ts'
import { type Redis, startRedis } from '../../redis.ts'
import { leastOf } from '../../security/least-of.ts'
import { range, until } from '../stream.ts'
import { engines, placesFor, retentionOf } from './stores.ts'

let redis: Redis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.close())

const stores = placesFor(() => redis)

type Untold = Omit<NewEvent, 'topic'>

/** The logs of a store one by one: each topic has an account of its own, of the same name. */
const logsOf = (store: EventStore) => {
  const under = <Event extends Untold>(topic: string, events: readonly Event[]) =>
    events.map((event) => ({ ...event, topic }))
  return {
    all: store,
    append: (topic: string, events: readonly Untold[], once?: Once) =>
      store.append(topic, under(topic, events), once),
    appendAs: (topic: string, events: readonly (Untold & { id: string })[], once?: Once) =>
      store.appendAs(topic, under(topic, events), once),
    idsAhead: store.idsAhead,
    async readAfter(topic: string, after: string | null, limit: ReadLimit) {
      const { events, lost } = await store.read([{ topic, after }], limit)
      return lost.length > 0 ? undefined : events
    },
    lookup: async (topic: string, id: string) => (await store.lookup([topic], id))[0],
    bounds: async (topic: string) => ({ ...(await store.bounds(topic)), end: await store.head() }),
    subscribe: (topic: string, wake: () => void) => store.subscribe([topic], wake),
    close: store.close,
  }
}

const limit = { events: 100_000, characters: 1e8 }

const events = (count: number, data = '1') =>
  Array.from({ length: count }, () => ({ type: 'x', data, owner: 'u' }))

const named = (name: string, digest = 'of these events') => ({ name, digest })

const positionOf = (id: string) => Number(id.split('-')[1])

describe.each(engines)('the store on %s', (kind) => {
  const setUp = () => {
    const place = stores[kind]()
    return async (retention = 100, maxBytes?: number) => {
      const store = logsOf(await place(retentionOf(retention, maxBytes)))
      onTestFinished(() => store.close())
      return store
    }
  }
  const open = (retention?: number, maxBytes?: number) => setUp()(retention, maxBytes)

  test('appends at once take positions without a gap, and each gets its own', async () => {
    const store = await open(10_000)
    const answers = await Promise.all(range(1, 50).map((n) => store.append('u', events(n))))
    const positions = answers.flat().map(positionOf)
    expect(positions.toSorted((a, b) => a - b)).toEqual(range(1, positions.length))
  })

  test('R1 ids are those that are read, ASCII, and at most 64 bytes', async () => {
    const store = await open()
    const ids = [...(await store.append('u', events(3))), ...(await store.append('u', events(2)))]
    expect((await store.readAfter('u', null, limit))!.map(({ id }) => id)).toEqual(ids)
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{1,64}$/)
    expect(new Set(ids).size).toBe(5)
  })

  test('what is appended is read as it was', async () => {
    const store = await open()
    const event = { type: 'a.b', data: '{"text":"é\\n\u2028 \ud83d\udc07"}', owner: 'hätter' }
    await store.append('u', [event, { ...event, data: '', signed: true }])
    const [first, second] = (await store.readAfter('u', null, limit))!
    expect(first).toMatchObject({ ...event, position: 1 })
    expect(first!.signed).toBeUndefined()
    expect(second).toMatchObject({ data: '', signed: true, position: 2 })
    expect(Math.abs(Date.now() - first!.at)).toBeLessThan(60_000)
  })

  test('what an append has answered is there when it wakes, and after a restart', async () => {
    const reopen = setUp()
    const store = await reopen()
    const seen: number[] = []
    store.subscribe('u', async () => {
      seen.push((await store.readAfter('u', null, limit))!.length)
    })
    await until(async () => {
      await store.append('u', events(1))
      return seen.length >= 5
    })
    for (const [index, count] of seen.entries()) expect(count).toBeGreaterThan(index - 1)
    const before = await store.bounds('u')
    await store.close()
    expect(await (await reopen()).bounds('u')).toEqual(before)
  })

  test('a read stops at its limit of events or characters, but brings one at least', async () => {
    const store = await open()
    const ids = await store.append('u', events(20, 'x'.repeat(1000)))
    const read = async (id: string, count: number, characters: number) =>
      (await store.readAfter('u', id, { events: count, characters }))!.map(({ position }) => position)
    expect(await read(ids[2]!, 5, 1e6)).toEqual(range(4, 8))
    expect(await read(ids[2]!, 50, 2500)).toEqual(range(4, 6))
    expect(await read(ids[2]!, 50, 1)).toEqual([4])
    expect(await read(ids[19]!, 50, 1e6)).toEqual([])
  })

  test('names of users that are prefixes of one another, or odd, share nothing', async () => {
    const store = await open()
    await store.append('ann', events(2))
    await store.append('anna', events(3))
    await store.append('{ann}:x', events(4))
    expect(await store.readAfter('ann', null, limit)).toHaveLength(2)
    expect(await store.readAfter('{ann}:x', null, limit)).toHaveLength(4)
    expect(await store.bounds('an')).toMatchObject({ first: 1, last: 0 })
  })

  test('unsubscribed, nobody is woken', async () => {
    const store = await open()
    let wakes = 0
    let others = 0
    const off = store.subscribe('u', () => wakes++)
    store.subscribe('other', () => others++)
    await until(async () => {
      await store.append('u', events(1))
      return wakes > 0
    })
    off()
    const before = wakes
    await store.append('u', events(1))
    await until(async () => {
      await store.append('other', events(1))
      return others > 1
    })
    expect(wakes).toBe(before)
  })

  test('an append under ids that were given ahead is made only while none is taken, and takes no place otherwise', async () => {
    const store = await open()
    const { end } = await store.bounds('u')
    const ids = await store.idsAhead(2, 0)
    const attempt = () =>
      store.appendAs(
        'u',
        events(2).map((event, index) => ({ ...event, id: ids[index]! })),
      )
    const answers = await Promise.all(range(1, 10).map(attempt))
    expect(answers.filter((ids) => ids !== undefined)).toHaveLength(1)
    const read = (await store.readAfter('u', end, limit))!
    expect(read.map(({ id }) => id)).toEqual(answers.find((ids) => ids !== undefined))
  })

  test('R1 an append that is repeated under its name stores nothing more, and answers the same', async () => {
    const store = await open()
    const answers = await Promise.all(range(1, 5).map(() => store.append('u', events(3), named('once'))))
    for (const ids of answers) expect(ids).toEqual(answers[0])
    expect(await store.bounds('u')).toMatchObject({ first: 1, last: 3 })
    expect(await store.append('u', events(1), named('twice'))).not.toEqual(answers[0]!.slice(0, 1))
    await store.append('other', events(3), named('once'))
    expect((await store.bounds('other')).last).toBe(3)
    const ids = await store.idsAhead(1, 0)
    const append = () => store.appendAs('u', [{ ...events(1)[0]!, id: ids[0]! }], named('thrice'))
    expect(await append()).toEqual(ids)
    expect(await append()).toEqual(ids)
    expect((await store.bounds('u')).last).toBe(5)
  })

  test('R1 N4 a name that was used for other events is refused, and nothing is stored', async () => {
    const store = await open()
    await store.append('u', events(1), named('once'))
    const again = store.append('u', events(3), named('once', 'of other events'))
    await expect(again).rejects.toMatchObject({ statusCode: 422, code: 'idempotency_key_reused' })
    expect((await store.bounds('u')).last).toBe(1)
  })

  test('a user keeps so many bytes: the oldest go, and the newest stays whatever its size', async () => {
    const store = await open(1_000, 10_000)
    // Each has 998 bytes of payload, one of a type, one of an owner.
    await store.append('u', events(25, 'x'.repeat(998)))
    expect(await store.bounds('u')).toMatchObject({ first: 16, last: 25 })
    for (let n = 0; n < 7; n++) await store.append('u', events(1, 'x'.repeat(998)))
    expect(await store.bounds('u')).toMatchObject({ first: 23, last: 32 })
    await store.append('u', events(1, 'x'.repeat(4_998)))
    expect(await store.bounds('u')).toMatchObject({ first: 28, last: 33 })
    await store.append('u', events(2, 'x'.repeat(20_000)))
    expect(await store.bounds('u')).toMatchObject({ first: 35, last: 35 })
    await store.append('u', events(10, 'y'))
    expect(await store.bounds('u')).toMatchObject({ first: 36, last: 45 })
    expect(await store.readAfter('u', null, limit)).toHaveLength(10)
    await store.append('other', events(10, 'x'.repeat(998)))
    expect((await store.bounds('u')).first).toBe(36)
  })

  test('R4 places are known, trimmed, or unknown', async () => {
    const store = await open(100)
    const beginning = (await store.bounds('u')).end
    expect(await store.lookup('u', beginning)).toBe('known')
    const ids = await store.append('u', events(5))
    expect(await store.lookup('u', ids[4]!)).toBe('known')
    expect(await store.lookup('u', beginning)).toBe('known')
    // One order: a place of it means the same whatever the topic.
    expect(await store.lookup('other', ids[2]!)).toBe('known')
    expect(await store.lookup('u', ids[4]!.replace(/^([0-9a-f]+)-5/, '$1-6'))).toBe('unknown')
    expect(await store.lookup('u', ids[4]!.replace(/^[0-9a-f]{8}/, '00000000'))).toBe('unknown')
    for (const id of ['', '12', 'zzzzzzzz-1', '00000000-01', '00000000-1e3', `00000000-${'9'.repeat(60)}`])
      expect(await store.lookup('u', id)).toBe('unknown')
    await store.append('u', events(1000))
    expect(await store.lookup('u', ids[1]!)).toBe('trimmed')
    expect(await store.readAfter('u', ids[1]!, limit)).toBeUndefined()
    const { first, last } = await store.bounds('u')
    expect(last).toBe(1005)
    expect(last - first + 1).toBeGreaterThanOrEqual(kind === 'redis' ? 99 : 100)
    expect(last - first + 1).toBeLessThanOrEqual(kind === 'redis' ? 220 : 100)
    const positions: number[] = []
    for await (const { position } of readAll(store.all, 'u')) positions.push(position)
    expect(positions).toEqual(range(first, last))
  })
})

test('the embedded store trims exactly, also where one append is longer than its log', async () => {
  const store = logsOf(await stores.lmdb()(retentionOf(10)))
  onTestFinished(() => store.close())
  await store.append('u', events(15))
  expect(await store.bounds('u')).toMatchObject({ first: 6, last: 15 })
  await store.append('u', events(35))
  expect(await store.bounds('u')).toMatchObject({ first: 41, last: 50 })
})

test('N4 what a name costs the embedded store does not grow with the names that there are', async () => {
  const store = logsOf(await stores.lmdb()(retentionOf(100)))
  onTestFinished(() => store.close())
  let next = 1
  const append = () => store.append('u', events(1), named(`name-${next++}`))
  const time = async () => {
    const started = performance.now()
    for (let n = 0; n < 30; n++) await append()
    return performance.now() - started
  }
  // The disk is everybody's: one that is busy with something else is not what is measured.
  const few = await leastOf(5, time)
  await Promise.all(range(1, 8_500).map(append))
  const bound = few * 3 + 60
  expect(await leastOf(10, time, bound)).toBeLessThan(bound)
}, 120_000)

test('a closed embedded store refuses, also while it is still closing', async () => {
  const store = logsOf(await stores.lmdb()(retentionOf(10)))
  await store.append('u', events(1))
  const closing = store.close()
  await expect(store.bounds('u')).rejects.toThrow('closed')
  await expect(store.readAfter('u', null, limit)).rejects.toThrow('closed')
  await expect(store.append('u', events(1))).rejects.toThrow('closed')
  await closing
  await store.close()
})
