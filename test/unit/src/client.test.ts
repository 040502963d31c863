import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectOptions, ResetReason, Status, Stream, StreamError } from '../../../src/index.ts'
import { PROTOCOL } from '../../../src/shared/protocol.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

type Events = { note: { text: string }; count: number }

describe('connect(), end to end in memory', () => {
  let test: TestHub
  let page: Page

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
  })
  afterEach(async () => {
    page.close()
    await test.close()
  })

  const connect = (options: Partial<ConnectOptions> = {}): Stream<Events> =>
    page.connect<Events>('/stream', {
      user: 'ann',
      worker: { shared: page.factory(test.connect) },
      ...options,
    })
  const open = async (options: Partial<ConnectOptions> = {}) => {
    const stream = connect(options)
    const request = await test.platform.server.next()
    const body = request.stream()
    await until(() => stream.status.state === 'open')
    return { stream, request, body }
  }
  const note = (id: string, text: string) => sse(id, JSON.stringify({ text }), 'note')

  it('A3 starts the worker of its key, and resolves the URL against the page', async () => {
    const { request } = await open()
    expect(request.url).toBe('https://app.test/stream')
    expect(page.workers.map(({ name }) => name)).toEqual([
      `tabstream:ann@https://app.test/stream:${PROTOCOL}`,
    ])
  })

  it('D1 gives listeners of a type its events, parsed, in order; `*` hears all', async () => {
    const { stream, body } = await open()
    const notes: unknown[] = []
    const all: string[] = []
    stream.on('note', (payload, event) => notes.push([payload.text, event]))
    stream.on('*', (_, event) => all.push(`${event.type} ${event.id}`))
    await settle()
    body.push(note('1', 'one') + sse('2', '7', 'count') + note('3', 'three'))
    await until(() => all.length === 3)
    expect(notes).toEqual([
      ['one', { type: 'note', id: '1', data: '{"text":"one"}', receivedAt: test.platform.now() }],
      ['three', { type: 'note', id: '3', data: '{"text":"three"}', receivedAt: test.platform.now() }],
    ])
    expect(all).toEqual(['note 1', 'count 2', 'note 3'])
    expect(stream.status.lastEventId).toBe('3')
  })

  it('E2 a listener that takes the place of another in one task misses nothing: the hub hears of no gap', async () => {
    const told: unknown[] = []
    const port = test.connect()
    const post = port.postMessage.bind(port)
    port.postMessage = (message: { path?: string[]; argumentList?: { value: unknown }[] }) => {
      if (message.path?.[0] === 'follow') told.push(message.argumentList?.[0]?.value)
      post(message)
    }
    const stream = connect({ worker: { shared: page.factory(() => port) } })
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
    const off = stream.on('count', () => {})
    await until(() => told.length === 1)
    off()
    stream.on('count', () => {})
    stream.on('note', () => {})()
    await settle()
    expect(told).toEqual([{ types: ['count'], topics: {} }])
  })

  it('D1 an event type is followed from `on` until its unsubscribe', async () => {
    const { stream, body } = await open()
    const heard: unknown[] = []
    const off = stream.on('count', (count) => heard.push(count))
    await settle()
    body.push(sse('1', '1', 'count'))
    await until(() => heard.length === 1)
    off()
    await settle()
    body.push(sse('2', '2', 'count'))
    const { sessions } = await stream.inspect()
    expect(sessions[0]!.follows.types).toEqual([])
    expect(heard).toEqual([1])
  })

  it('tells every change of status, as a new object', async () => {
    const statuses: Status[] = []
    const stream = connect()
    stream.onStatus((status) => statuses.push(status))
    expect(stream.status).toMatchObject({ state: 'idle', host: 'shared-worker' })
    ;(await test.platform.server.next()).answer(500)
    await until(() => stream.status.state === 'waiting')
    await test.platform.advance(500)
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
    const states = statuses.map(({ state }) => state).filter((state, at, all) => state !== all[at - 1])
    expect(states).toEqual(['idle', 'connecting', 'waiting', 'connecting', 'open'])
    expect(new Set(statuses).size).toBe(statuses.length)
    expect(stream.status).toBe(statuses.at(-1))
  })

  it('tells of errors as StreamErrors, and of resets with their reason', async () => {
    const { StreamError: Class } = await import('../../../src/index.ts')
    const stream = connect()
    const errors: StreamError[] = []
    const resets: ResetReason[] = []
    stream.onError((error) => errors.push(error))
    stream.onReset(({ reason }) => resets.push(reason))
    ;(await test.platform.server.next()).answer(503)
    await until(() => errors.length === 1)
    expect(errors[0]).toBeInstanceOf(Class)
    expect(errors[0]).toMatchObject({
      kind: 'http',
      status: 503,
      retryable: true,
      attempt: 1,
      state: 'waiting',
    })
    await test.platform.advance(500)
    ;(await test.platform.server.next()).stream({ 'stream-resume': 'reset' })
    await until(() => resets.length === 1)
    expect(resets).toEqual(['server'])
  })

  it('D1 a reset is told before anything newer', async () => {
    const { stream, body } = await open()
    const told: string[] = []
    stream.on('count', (count) => told.push(`event ${count}`))
    stream.onReset(({ reason }) => told.push(`reset ${reason}`))
    await settle()
    body.push(sse('1', '1', 'count') + sse('2', '', 'stream.reset') + sse('3', '3', 'count'))
    await settle()
    // The hub looks whether its tabs have what came before.
    await test.platform.advance(100)
    await until(() => told.length === 3)
    expect(told).toEqual(['event 1', 'reset server', 'event 3'])
  })

  it('metrics() and inspect() answer, without credentials', async () => {
    const { stream, body } = await open({ auth: { getAccessToken: () => 'very-secret' } })
    stream.on('*', () => {})
    await settle()
    body.push(note('1', 'private'))
    await until(() => stream.status.lastEventId === '1')
    expect(await stream.metrics()).toMatchObject({
      connectionsSuccessful: 1,
      eventsReceived: { total: 1 },
      tabs: 1,
    })
    const inspection = await stream.inspect()
    expect(inspection).toMatchObject({ key: 'tabstream:ann@https://app.test/stream', log: { head: 1 } })
    expect(JSON.stringify([inspection, await stream.metrics()])).not.toMatch(/very-secret|private/)
  })
})
