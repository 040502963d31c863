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

  describe('H1 in a hidden tab', () => {
    /** Its hub knows. */
    const hide = async (stream: Stream<Events>) => {
      page.setVisible(false)
      expect((await stream.inspect()).sessions[0]!.visible).toBe(false)
    }
    const send = async (body: { push(data: string): void }, ...types: string[]) => {
      body.push(types.map((type) => sse(null, '1', type)).join(''))
      await settle()
      await test.platform.advance(16)
    }

    it('a listener hears events late, an urgent one at once with all that came before, and in view nothing waits', async () => {
      const { stream, body } = await open()
      const heard: string[] = []
      stream.on('note', () => heard.push('note'))
      const off = stream.on('count', () => heard.push('count'), { urgent: true })
      await settle()
      await hide(stream)
      await send(body, 'note')
      await send(body, 'note')
      expect(heard).toEqual(['note'])
      await send(body, 'count')
      await until(() => heard.length === 3)
      expect(heard).toEqual(['note', 'note', 'count'])
      off()
      stream.on('count', () => heard.push('late'))
      await settle()
      await send(body, 'count')
      expect(heard).toHaveLength(3)
      page.setVisible(true)
      await until(() => heard.length === 4)
      expect(heard.at(-1)).toBe('late')
    })

    it('a listener that is added, and an iterator, may be urgent; what waits comes with it', async () => {
      const { stream, body } = await open()
      const heard: string[] = []
      stream.on('note', () => heard.push('note'))
      await settle()
      await hide(stream)
      await send(body, 'note')
      await send(body, 'note')
      const iterator = stream.events('count', { urgent: true })
      await until(() => heard.length === 2)
      expect((await stream.inspect()).sessions[0]).toMatchObject({ urgent: ['count'], visible: false })
      await send(body, 'note', 'count')
      expect((await iterator.next()).value).toMatchObject({ type: 'count', payload: 1 })
      await until(() => heard.length === 3)
    })

    it('a tab that opens hidden is served as one, and hears of a reset at once', async () => {
      page.setVisible(false)
      const { stream, body } = await open()
      const heard: string[] = []
      stream.on('*', (_, { type }) => heard.push(type))
      stream.onReset(({ reason }) => heard.push(reason))
      await settle()
      await send(body, 'note')
      await until(() => heard.length === 1)
      await send(body, 'note')
      stream.dropLog()
      await until(() => heard.includes('dropped'))
      await send(body, 'count')
      await test.platform.advance(1_000)
      await until(() => heard.at(-1) === 'count')
    })
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
    await test.platform.advance(100)
    // Some small batches are on their way without an acknowledgement, and no more than that.
    for (let id = 1_001; id <= 1_100; id++) {
      body.push(sse(String(id), String(id), 'count'))
      await test.platform.advance(100)
    }
    await until(() => stream.status.lastEventId !== '')
    await settle(200)
    expect((await stream.inspect()).sessions[0]!.lag).toBeGreaterThan(50)
    for (let id = 1; id <= 1_100; id++) expect((await iterator.next()).value.payload).toBe(id)
    await settle(100)
    expect((await stream.inspect()).sessions[0]!.lag).toBe(0)
    await iterator.return!()
  })
})
