import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { EventStore, Read, StoredEvent } from '../../../demo/server/store/event-store.ts'
import { type EventStreamOptions, openEventStream } from '../../../demo/server/streams/event-stream.ts'
import { createFeeds } from '../../../demo/server/streams/feeds.ts'
import { until } from '../stream.ts'

/** A store whose reads end when the test says so, as those of a store on another machine might. */
const createSlowStore = () => {
  const reads: {
    id: string | null
    topics: string[]
    answer: (events: StoredEvent[], read?: Partial<Read>) => void
    fail: (error: Error) => void
  }[] = []
  let wake = () => {}
  let subscribers = 0
  const store: EventStore = {
    append: async () => [],
    appendAs: async () => [],
    idsAhead: async () => [],
    read: (places) =>
      new Promise((settle, fail) => {
        const topics = places.map(({ topic }) => topic)
        reads.push({
          id: places[0]!.after,
          topics,
          answer: (events, read = {}) =>
            settle({ events, more: false, head: events.at(-1)?.id ?? places[0]!.after!, lost: [], ...read }),
          fail,
        })
      }),
    lookup: async (topics) => topics.map(() => 'known' as const),
    head: async () => '00000000-0',
    bounds: async () => ({ first: 1, last: 0 }),
    subscribe: (_, listener) => {
      wake = listener
      subscribers += 1
      return () => {
        subscribers -= 1
      }
    },
    check: async () => {},
    close: async () => {},
  }
  return { store, reads, wake: () => wake(), subscribers: () => subscribers }
}

const event = (position: number, topic = 'user:u'): StoredEvent => ({
  topic,
  position,
  id: `00000000-${position}`,
  type: 'x',
  data: '1',
  owner: 'u',
  at: 0,
})

/** One stream on `store`, over HTTP, and what a client has of it. */
const serve = async (store: EventStore, options: Partial<EventStreamOptions> = {}) => {
  const server = createServer((_, response) => {
    response.flushHeaders()
    openEventStream({
      response,
      feeds: createFeeds(store),
      own: 'user:u',
      asked: null,
      id: '00000000-0',
      begins: new Map(),
      pingInterval: 60_000,
      stallTimeout: 60_000,
      storePatience: 0,
      life: 60_000,
      authorize: () => true,
      onEnd: () => {},
      onError: () => {},
      ...options,
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close().closeAllConnections())
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  return { reader, read: async () => (await reader.read()).value }
}

test('a wake-up that comes during a read is not lost', async () => {
  const { store, reads, wake } = createSlowStore()
  const { read } = await serve(store)
  wake()
  reads[0]!.answer([])
  await until(() => reads.length === 2)
  reads[1]!.answer([event(1)])
  expect(await read()).toBe('id: 00000000-1\nevent: x\ndata: 1\n\n')
})

test('without a wake-up there is no read', async () => {
  const { store, reads, wake } = createSlowStore()
  const { read } = await serve(store)
  reads[0]!.answer([event(1), event(2)])
  expect(await read()).toContain('00000000-2')
  await new Promise(setImmediate)
  expect(reads).toHaveLength(1)
  wake()
  await until(() => reads.length === 2)
  reads[1]!.answer([])
  await new Promise(setImmediate)
  expect(reads.map(({ id }) => id)).toEqual(['00000000-0', '00000000-2'])
})

test('behind a read that was full there may be more: it reads on', async () => {
  const { store, reads } = createSlowStore()
  await serve(store)
  reads[0]!.answer([event(1)], { more: true })
  await until(() => reads.length === 2)
  expect(reads[1]!.id).toBe('00000000-1')
})

test('R4 a place that the store has lost ends the stream instead of being passed over', async () => {
  const { store, reads } = createSlowStore()
  const { read } = await serve(store)
  reads[0]!.answer([], { lost: ['user:u'] })
  expect(await read()).toBeUndefined()
})

test('a store that fails breaks the stream, is reported, and leaves no subscription', async () => {
  const { store, reads, subscribers } = createSlowStore()
  const errors: unknown[] = []
  const { read } = await serve(store, { onError: (error) => errors.push(error) })
  expect(subscribers()).toBe(1)
  reads[0]!.fail(new Error('gone'))
  await expect(read()).rejects.toThrow()
  await until(() => subscribers() === 0)
  expect(errors).toMatchObject([{ message: 'gone' }])
})

test('a store that fails for a while costs no stream: the read is made again', async () => {
  const { store, reads } = createSlowStore()
  const errors: unknown[] = []
  const { read } = await serve(store, { storePatience: 60_000, onError: (error) => errors.push(error) })
  reads[0]!.fail(new Error('gone'))
  await until(() => reads.length === 2)
  reads[1]!.fail(new Error('still gone'))
  await until(() => reads.length === 3)
  reads[2]!.answer([event(1)])
  expect(await read()).toContain('00000000-1')
  expect(errors).toMatchObject([{ message: 'gone' }])
})

test('streams of a user that stand at the same place share one subscription and one read', async () => {
  const { store, reads, wake, subscribers } = createSlowStore()
  const feeds = createFeeds(store)
  const streams = await Promise.all([1, 2, 3].map(() => serve(store, { feeds })))
  expect(subscribers()).toBe(1)
  reads[0]!.answer([event(1)])
  for (const { read } of streams) expect(await read()).toContain('00000000-1')
  wake()
  await until(() => reads.length === 2)
  reads[1]!.answer([event(2)])
  for (const { read } of streams) expect(await read()).toContain('00000000-2')
  expect(reads).toHaveLength(2)
  await Promise.all(streams.map(({ reader }) => reader.cancel()))
  await until(() => subscribers() === 0)
})

test('R2 a wake-up that is lost is made good at the next sign of life', async () => {
  const { store, reads } = createSlowStore()
  const { read } = await serve(store, { pingInterval: 40 })
  reads[0]!.answer([])
  await until(() => reads.length === 2)
  reads[1]!.answer([event(1)])
  let text = ''
  while (!text.includes('00000000-1')) text += await read()
})

test('a client that leaves during a read gets nothing written, and no subscription stays', async () => {
  const { store, reads, subscribers } = createSlowStore()
  const { reader } = await serve(store)
  await reader.cancel()
  await until(() => subscribers() === 0)
  reads[0]!.answer([event(1)])
  await new Promise(setImmediate)
  expect(reads).toHaveLength(1)
})

test('A3 each event is asked for when it would be sent; a skipped one moves the position and is not told', async () => {
  const { store, reads, wake } = createSlowStore()
  const asked: number[] = []
  const { read } = await serve(store, {
    authorize: async ({ position }) => {
      asked.push(position)
      return position === 2
    },
  })
  reads[0]!.answer([event(1), event(2), event(3)])
  expect(await read()).toBe('id: 00000000-2\nevent: x\ndata: 1\n\nid: 00000000-3\n\n')
  expect(asked).toEqual([1, 2, 3])
  wake()
  await until(() => reads.length === 2)
  expect(reads[1]!.id).toBe('00000000-3')
})

test('A3 where nobody can say whose an event is, it is not sent, and the stream is cut', async () => {
  const { store, reads } = createSlowStore()
  const errors: unknown[] = []
  const ends: unknown[] = []
  const { read } = await serve(store, {
    authorize: () => Promise.reject(new Error('no answer')),
    onError: (error) => errors.push(error),
    onEnd: (reason, events) => ends.push([reason, events]),
  })
  reads[0]!.answer([event(1)])
  await expect(read()).rejects.toThrow()
  expect(errors).toMatchObject([{ message: 'no answer' }])
  expect(ends).toEqual([['failed', 0]])
})
