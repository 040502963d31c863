import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { EventStore } from '../../demo/server/store/event-store.ts'
import { openLmdbStore } from '../../demo/server/store/lmdb-event-store.ts'
import { numbered, post, start, temporaryDirectory, tokenFor } from '../server/start.ts'
import { openStream, streamsOpen } from '../server/stream.ts'

/** The embedded store, and how often each of its ways was gone. */
const countingStore = () => {
  const store = openLmdbStore({
    dataDir: temporaryDirectory(),
    retention: { events: 1_000, bytesPerAccount: 1e9, eventsPerAccount: 1_000, topicsPerAccount: 10 },
    random: randomBytes,
  })
  const calls = { read: 0, head: 0, lookup: 0, subscribe: 0 }
  const counted: EventStore = {
    ...store,
    read: (...args) => {
      calls.read += 1
      return store.read(...args)
    },
    head: () => {
      calls.head += 1
      return store.head()
    },
    lookup: (...args) => {
      calls.lookup += 1
      return store.lookup(...args)
    },
    subscribe: (...args) => {
      calls.subscribe += 1
      return store.subscribe(...args)
    },
  }
  return { store: counted, calls }
}

test('R6 the third stream costs nothing: no read of the store, no subscription, whatever it asks for', async () => {
  const { store, calls } = countingStore()
  const server = await start({ store })
  const ids = await server.publish('alice', numbered(10))
  const streams = [await openStream(server, { lastEventId: ids[0]! }), await openStream(server)]
  await streams[0]!.received(9)
  const before = { ...calls }
  expect(before.subscribe).toBe(1)
  for (let n = 0; n < 20; n++) {
    const { response } = await openStream(server, { lastEventId: ids[0]!, client: `client-${n}` })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('5')
  }
  expect(calls).toEqual(before)
  expect(server.connections()).toMatchObject({ total: 2, refused: 20, peak: { total: 2 } })
})

test('R6 100 racing opens of one user are never more than 2, with and without names of clients', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'sse')
  const streams = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      openStream(server, n % 2 ? { token } : { token, client: `client-${n % 6}` }),
    ),
  )
  expect(server.connections().peak).toMatchObject({ total: 2, users: { alice: 2 } })
  await streamsOpen(server, 2)
  const live = streams.filter(({ response }) => response.status === 200)
  expect(live.length).toBeGreaterThanOrEqual(2)
  await server.publish('alice', numbered(1))
  await expect.poll(() => live.filter(({ events }) => events.length > 0).length).toBe(2)
})

test('A3 1,000 events of which every third was shared and is no more: replay and live skip just those', async () => {
  const shared = new Set(['hatter'])
  const authorize = (user: string, { owner }: { owner: string }) => owner === user || shared.has(owner)
  const server = await start({ authorize })
  const [first] = await server.publish('alice', numbered(1))
  const events = numbered(1_000, 2).map((event, index) => (index % 3 ? event : { ...event, owner: 'hatter' }))
  await server.publish('alice', events.slice(0, 500))
  const before = await openStream(server, { lastEventId: first! })
  await before.received(500)
  expect(before.numbers()).toHaveLength(500)
  before.close()

  shared.delete('hatter')
  const after = await openStream(server, { lastEventId: first!, client: 'one' })
  const own = events.flatMap(({ data, ...rest }) => ('owner' in rest ? [] : [data.n]))
  await after.received(own.filter((n) => n < 502).length)
  // Live: on the stream that is open.
  await server.publish('alice', events.slice(500))
  await after.received(own.length)
  expect(after.numbers()).toEqual(own)
  expect(after.text()).not.toContain('"n":2}')
})

test('A3 what is taken back while the stream is open is not sent from then on', async () => {
  const shared = new Set(['hatter'])
  const server = await start({ authorize: (user, { owner }) => owner === user || shared.has(owner) })
  const stream = await openStream(server)
  await server.publish('alice', [{ type: 'x', data: { n: 1 }, owner: 'hatter' }])
  await stream.received(1)
  shared.clear()
  await server.publish('alice', [{ type: 'x', data: { n: 2 }, owner: 'hatter' }, ...numbered(1, 3)])
  await stream.received(2)
  expect(stream.numbers()).toEqual([1, 3])
})

test('A3 a client behind events that it may not see can resume, though they were trimmed', async () => {
  const server = await start({ retention: 10, authorize: (user, { owner }) => owner === user })
  const stream = await openStream(server)
  await server.publish('alice', [{ type: 'x', owner: 'hatter' }])
  await server.publish('alice', numbered(1))
  await stream.received(1)
  for (let n = 0; n < 20; n++) await server.publish('alice', [{ type: 'x', owner: 'hatter' }])
  await expect
    .poll(() =>
      stream
        .text()
        .match(/^id: .*-(\d+)\n\n/gm)
        ?.at(-1),
    )
    .toMatch(/-22\n\n$/)
  const position = /id: (\S+)\n\n$/.exec(stream.text())![1]!
  const again = await openStream(server, { lastEventId: position })
  expect(again.response.headers.get('stream-resume')).toBe('continue')
})

test('A3 the state of the novel leaves out what the stream would', async () => {
  const server = await start()
  const title = (text: string) => ({ type: 'novel.updated', data: { id: 'n', title: text } })
  await server.publish('alice', [title('own'), { ...title('of the hatter'), owner: 'hatter' }])
  const answer = await fetch(`${server.url}/api/v1/novel`, {
    headers: { Authorization: `Bearer ${await tokenFor(server, 'alice', 'access')}` },
  })
  expect(await answer.json()).toMatchObject({ novel: { title: 'own' } })
})

test('A3 nobody publishes in another’s name', async () => {
  const server = await start()
  const event = { type: 'novel.updated', data: { n: 1 }, owner: 'hatter', user: 'hatter' }
  const stream = await openStream(server, { user: 'alice' })
  const hatter = await openStream(server, { user: 'hatter' })
  await post(server, '/api/v1/events', event, await tokenFor(server, 'alice', 'access'))
  await stream.received(1)
  await server.publish('hatter', numbered(1))
  await hatter.received(1)
  expect(hatter.events).toHaveLength(1)
})
