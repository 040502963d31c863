import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectOptions, type Stream, type StreamError, text } from '../../../src/index.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

type Events = { note: { text: string }; count: number }

describe('what listeners and iterators of a client hear', () => {
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

  it('D8 a listener that throws is reported, and harms no other listener, event or tab', async () => {
    const { stream, body } = await open()
    const heard: number[] = []
    stream.on('count', () => {
      throw new Error('in the application')
    })
    stream.on('count', (count) => heard.push(count))
    stream.onStatus(() => {
      throw new Error('in onStatus')
    })
    await settle()
    body.push(sse('1', '1', 'count') + sse('2', '2', 'count'))
    await until(() => heard.length === 2)
    expect(page.reported.map((error) => (error as Error).message)).toContain('in the application')
    expect((await stream.inspect()).sessions[0]!.lag).toBe(0)
  })

  it('D8 data that does not parse is an error{validation}, told once a type and then counted, and the rest goes on', async () => {
    const { stream, body } = await open()
    const errors: StreamError[] = []
    const heard: unknown[] = []
    stream.onError((error) => errors.push(error))
    stream.on('*', (count) => heard.push(count))
    await settle()
    body.push(sse('1', '{secret', 'count') + sse('2', 'plain text', 'count') + sse('3', 'x', 'note'))
    body.push(sse('4', '2', 'count'))
    await until(() => heard.length === 1)
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatchObject({ kind: 'validation', retryable: true })
    expect(errors[0]!.message).toMatch(/"count".*`parse: String`/)
    expect(errors[1]!.message).toContain('"note"')
    expect(errors[0]!.cause).toBeInstanceOf(SyntaxError)
    expect((await stream.metrics()).errors).toMatchObject({ total: 3, byKind: { validation: 3 } })
  })

  it('D8 data that is empty is delivered: `null` to a JSON listener', async () => {
    const { stream, body } = await open()
    const heard: unknown[] = []
    stream.on('count', (payload, { id, data }) => heard.push([payload, id, data]))
    await settle()
    body.push('event: count\nid: 1\ndata\n\n')
    await until(() => heard.length === 1)
    expect(heard).toEqual([[null, '1', '']])
  })

  it('`parse: text` leaves data as it came', async () => {
    const { stream, body } = await open({ parse: text })
    const heard: unknown[] = []
    stream.on('*', (payload) => heard.push(payload))
    await settle()
    body.push(`${sse('1', 'no {JSON', 'note')}event: count\nid: 2\ndata:\n\n`)
    await until(() => heard.length === 2)
    expect(heard).toEqual(['no {JSON', ''])
  })

  it('`parse` replaces JSON', async () => {
    const { stream, body } = await open({ parse: (data, type) => `${type}: ${data}` })
    const heard: unknown[] = []
    stream.on('*', (payload) => heard.push(payload))
    await settle()
    body.push(sse('1', '{not json', 'count'))
    await until(() => heard.length === 1)
    expect(heard).toEqual(['count: {not json'])
  })

  it('events() iterates, and ends with close()', async () => {
    const { stream, body } = await open()
    const counts: number[] = []
    const done = (async () => {
      for await (const { payload, type, id } of stream.events('count'))
        counts.push(payload, Number(id), type.length)
    })()
    await settle()
    body.push(sse('1', '10', 'count') + sse('2', '20', 'count'))
    await until(() => counts.length === 6)
    expect(counts).toEqual([10, 1, 5, 20, 2, 5])
    stream.close()
    await done
  })

  it('events() of a slow consumer holds up the delivery to this tab, not the heap', async () => {
    const { stream, body } = await open()
    const iterator = stream.events('count')
    await settle()
    for (let id = 1; id <= 1_000; id++) body.push(sse(String(id), String(id), 'count'))
    await settle(200)
    body.push(sse('1001', '1001', 'count'))
    await until(() => stream.status.lastEventId !== '')
    await settle(200)
    expect((await stream.inspect()).sessions[0]!.lag).toBeGreaterThan(0)
    for (let id = 1; id <= 1_001; id++) expect((await iterator.next()).value.payload).toBe(id)
    await settle(100)
    expect((await stream.inspect()).sessions[0]!.lag).toBe(0)
    await iterator.return!()
  })
})
