import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { EventStore, NewEvent, StoredEvent } from '../../../demo/server/store/event-store.ts'
import { createRandom, pick, type Random } from '../../random.ts'
import { type Redis, startRedis } from '../../redis.ts'
import { range } from '../stream.ts'
import { engines, placesFor, retentionOf } from './stores.ts'

let redis: Redis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.close())

const places = placesFor(() => redis)
const wide = { events: 100_000, characters: 1e9 }

const event = (topic: string, data = '1'): NewEvent => ({ topic, type: 'x', data, owner: 'u' })
const textOf = ({ topic, data, id }: Pick<StoredEvent, 'topic' | 'data' | 'id'>) => `${topic} ${data} ${id}`

/** What a stream does: reads on behind the place that it has, until there is nothing more. */
const drain = async (store: EventStore, topics: readonly string[], after: string, limit = wide) => {
  const events: StoredEvent[] = []
  const lost = new Set<string>()
  let open = [...topics]
  for (let id = after; open.length > 0; ) {
    const read = await store.read(
      open.map((topic) => ({ topic, after: id })),
      limit,
    )
    events.push(...read.events)
    for (const topic of read.lost) lost.add(topic)
    open = open.filter((topic) => !lost.has(topic))
    if (!read.more) break
    id = read.events.at(-1)?.id ?? id
  }
  return { events, lost }
}

const someOf = <Item>(random: Random, items: readonly Item[]) => items.filter(() => random() < 0.5)

describe.each(engines)('R7 the one order on %s', (kind) => {
  const open = async (...retention: Parameters<typeof retentionOf>) => {
    const store = await places[kind]()(retentionOf(...retention))
    onTestFinished(() => store.close())
    return store
  }

  test.each([1, 2, 3, 4])(
    'is the filter of one list, whatever the set, or a topic is lost: seed %i',
    async (seed) => {
      const random = createRandom(seed)
      const store = await open(seed % 2 ? 100_000 : 30, seed > 2 ? 3_000 : Number.POSITIVE_INFINITY)
      const topics = ['user:ann', 'user:bob', 'room', 'chat/1', 'chat/2', '{x}:y']
      const accounts = ['ann', 'bob', 'carol']
      /** All that was ever appended, in order. */
      const all: StoredEvent[] = []
      const beginning = await store.head()

      const append = async () => {
        const account = pick(random, accounts)
        const events = range(1, 1 + Math.floor(random() * 8)).map((n) =>
          event(pick(random, topics), `${all.length + n} ${'-'.repeat(Math.floor(random() * 40))}`),
        )
        const ids = random() < 0.2 ? await appendAhead(account, events) : await store.append(account, events)
        for (const [index, id] of ids.entries()) all.push({ ...events[index]!, id, position: 0, at: 0 })
      }
      const appendAhead = async (account: string, events: readonly NewEvent[]) => {
        const ids = await store.idsAhead(events.length, Math.floor(random() * 5))
        const named = events.map((named, index) => ({ ...named, id: ids[index]! }))
        return (await store.appendAs(account, named))!
      }

      for (let step = 0; step < 150; step++) {
        await append()
        const from = Math.floor(random() * (all.length + 1))
        const after = from === 0 ? beginning : all[from - 1]!.id
        const set = someOf(random, topics)
        const limit = { events: 1 + Math.floor(random() * 20), characters: 1 + Math.floor(random() * 500) }
        const { events, lost } = await drain(store, set, after, random() < 0.5 ? wide : limit)
        const expected = all.slice(from).filter(({ topic }) => set.includes(topic) && !lost.has(topic))
        const whole = events.filter(({ topic }) => !lost.has(topic))
        expect(whole.map(textOf)).toEqual(expected.map(textOf))
        for (const topic of lost) {
          const kept = await drain(store, [topic], all.at(-1)!.id)
          expect(kept.lost.size).toBe(0)
          const { events: left } = await store.read([{ topic, after: null }], wide)
          const missing = all
            .slice(from)
            .filter((one) => one.topic === topic && !left.some(({ id }) => id === one.id))
          expect(missing.length).toBeGreaterThan(0)
        }
        // A lookup says the same as a read.
        const lookups = await store.lookup(topics, after)
        const { lost: unread } = await store.read(
          topics.map((topic) => ({ topic, after })),
          { events: 1, characters: 1 },
        )
        expect(topics.filter((_, index) => lookups[index] !== 'known')).toEqual(
          [...unread].toSorted((a, b) => topics.indexOf(a) - topics.indexOf(b)),
        )
      }
    },
    120_000,
  )

  test('R7 positions of a topic count by themselves, and its places are those of all', async () => {
    const store = await open(100)
    const ids = await store.append('ann', [event('a'), event('b'), event('a')])
    expect(await store.bounds('a')).toEqual({ first: 1, last: 2 })
    expect(await store.bounds('b')).toEqual({ first: 1, last: 1 })
    expect(await store.head()).toBe(ids[2])
    const { events } = await store.read([{ topic: 'a', after: ids[1]! }], wide)
    expect(events.map(({ id, position }) => [id, position])).toEqual([[ids[2], 2]])
  })

  test('R7 one topic that is trimmed is lost alone, and the others are read', async () => {
    const store = await open(10)
    const [first] = await store.append('ann', [event('quiet', '0')])
    await store.append(
      'ann',
      range(1, 1_000).map((n) => event('busy', `${n}`)),
    )
    await store.append('ann', [event('quiet', '1')])
    const read = await store.read(
      [
        { topic: 'quiet', after: first! },
        { topic: 'busy', after: first! },
      ],
      wide,
    )
    expect(read.lost).toEqual(['busy'])
    expect(read.events.map(({ topic, data }) => [topic, data])).toEqual([['quiet', '1']])
    expect(await store.lookup(['busy', 'quiet', 'never'], first!)).toEqual(['trimmed', 'known', 'known'])
  })

  test('N10 what an account publishes to many topics is one sum, and takes nothing from other accounts', async () => {
    const store = await open(100, 10_000)
    const large = (topic: string) => event(topic, 'x'.repeat(998))
    await store.append(
      'bob',
      range(1, 5).map(() => large('room')),
    )
    await store.append(
      'ann',
      range(1, 40).map((n) => large(`ann-${n}`)),
    )
    const { events } = await drain(store, ['room', ...range(1, 40).map((n) => `ann-${n}`)], '00000000-0')
    expect(events).toEqual([])
    const kept = await Promise.all(
      ['room', ...range(1, 40).map((n) => `ann-${n}`)].map(
        async (topic) => (await store.read([{ topic, after: null }], wide)).events.length,
      ),
    )
    expect(kept[0]).toBe(5)
    expect(kept.slice(1).reduce((sum, count) => sum + count)).toBe(10)
    // A gap amid a log is told: the events of another account are there, and one's own is missing.
    const [before] = await store.append('bob', [large('room')])
    await store.append('ann', [large('room')])
    await store.append('bob', [event('room')])
    await store.append(
      'ann',
      range(1, 20).map(() => large('ann-1')),
    )
    expect((await store.read([{ topic: 'room', after: before! }], wide)).lost).toEqual(['room'])
    // So is one at the end of a log.
    const [last] = await store.append('bob', [event('hall'), event('hall')])
    await store.append('ann', [large('hall')])
    await store.append(
      'ann',
      range(1, 20).map(() => large('ann-1')),
    )
    expect((await store.read([{ topic: 'hall', after: last! }], wide)).lost).toEqual(['hall'])
    const passing = await store.read([{ topic: 'hall', after: last!, passesGaps: true }], wide)
    expect([passing.lost, passing.events.length]).toEqual([[], 1])
  })

  test('N10 an account appends to so many topics a day, in one append or in many', async () => {
    const store = await places[kind]()({ ...retentionOf(100), topicsPerAccount: 5 })
    onTestFinished(() => store.close())
    await store.append(
      'ann',
      range(1, 4).map((n) => event(`t-${n}`)),
    )
    const tooMany = { statusCode: 429, code: 'too_many_topics' }
    await expect(store.append('ann', [event('t-5'), event('t-6')])).rejects.toMatchObject(tooMany)
    await store.append('ann', [event('t-5')])
    await expect(store.append('ann', [event('t-6')])).rejects.toMatchObject(tooMany)
    await store.append(
      'ann',
      range(1, 5).map((n) => event(`t-${n}`)),
    )
    await store.append(
      'bob',
      range(1, 5).map((n) => event(`t-${n}`)),
    )
    expect((await store.bounds('t-6')).last).toBe(0)
  })

  test('ids ahead leave places to others, and are refused once those are used up', async () => {
    const store = await open(100)
    const ids = await store.idsAhead(2, 3)
    const append = () =>
      store.appendAs(
        'ann',
        ids.map((id) => ({ ...event('a'), id })),
      )
    await store.append(
      'bob',
      range(1, 3).map(() => event('b')),
    )
    expect(await append()).toEqual(ids)
    expect(await append()).toBeUndefined()
    await store.append('bob', [event('b')])
    const { events } = await store.read(
      [
        { topic: 'a', after: null },
        { topic: 'b', after: null },
      ],
      wide,
    )
    expect(events.map(({ topic }) => topic).join('')).toBe('bbbaab')
  })

  test('an append to several topics wakes each, and nobody else', async () => {
    const store = await open(100)
    const woken: string[] = []
    for (const topics of [['a'], ['b', 'c'], ['d']])
      store.subscribe(topics, () => woken.push(topics.join('')))
    await expect
      .poll(
        async () => {
          await store.append('ann', [event('a'), event('c')])
          return ['a', 'bc'].every((name) => woken.includes(name))
        },
        { timeout: 20_000 },
      )
      .toBe(true)
    await expect
      .poll(
        async () => {
          const before = woken.length
          await store.append('ann', [event('a')])
          return woken.length > before
        },
        { timeout: 20_000 },
      )
      .toBe(true)
    // What was said when it began to listen woke it once, where there is a Redis.
    expect(woken.filter((name) => name === 'd').length).toBeLessThanOrEqual(1)
  })
})
