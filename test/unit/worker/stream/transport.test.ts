import { beforeEach, describe, expect, it } from 'vitest'
import type { Parsed } from '../../../../worker/stream/parser.ts'
import type { StreamRequest } from '../../../../worker/stream/transport.ts'
import { createFakeServer, type FakeServer, sse } from '../../harness/server.ts'
import { startRequest } from '../../harness/stream-request.ts'
import { settle, until } from '../../harness/turns.ts'

describe('one attempt', () => {
  let server: FakeServer
  let abort: AbortController
  let opened: Headers[]
  let blocks: Parsed['blocks']
  let retries: (number | null)[]
  let bytes: number

  beforeEach(() => {
    server = createFakeServer()
    abort = new AbortController()
    opened = []
    blocks = []
    retries = []
    bytes = 0
  })

  const start = (over: Partial<StreamRequest> = {}) =>
    startRequest(server, {
      signal: abort.signal,
      onOpen: (headers) => void opened.push(headers),
      onBytes: (count) => {
        bytes += count
      },
      onParsed: (parsed) => {
        blocks.push(...parsed.blocks)
        retries.push(parsed.retry)
      },
      ...over,
    })

  it('asks for an event stream, uncached, with what it was given', async () => {
    void start({ lastEventId: '41' })
    const { url, init, headers } = await server.next()
    expect(url).toBe('https://example.test/stream')
    expect(init).toMatchObject({
      method: 'GET',
      cache: 'no-store',
      redirect: 'manual',
      credentials: 'same-origin',
    })
    expect(Object.fromEntries(headers)).toEqual({
      accept: 'text/event-stream',
      authorization: 'Bearer secret',
      'last-event-id': '41',
    })
  })

  it('leaves Last-Event-ID out where there is none, and follows redirects where no credential goes along', async () => {
    void start({ headers: {}, refuseRedirects: false })
    const { init, headers } = await server.next()
    expect(headers.has('last-event-id')).toBe(false)
    expect(init.redirect).toBe('follow')
  })

  it('sends a non-ASCII Last-Event-ID as the bytes of its UTF-8 (HTML, 9.2.3)', async () => {
    void start({ lastEventId: 'é€😀' })
    const sent = (await server.next()).headers.get('last-event-id')!
    expect(Buffer.from(sent, 'latin1').toString('utf8')).toBe('é€😀')
  })

  it('comes to an outcome for a Last-Event-ID of any length', async () => {
    const outcome = start({ lastEventId: 'x'.repeat(300_000) })
    await expect(Promise.race([outcome, server.next().then(() => null)])).resolves.toBeNull()
  })

  it('S3 tells of every byte, a comment included, and gives what it parsed', async () => {
    const outcome = start()
    const body = (await server.next()).stream({ 'stream-resume': 'continue' })
    body.push(':\n')
    await until(() => bytes === 2)
    expect(opened[0]!.get('stream-resume')).toBe('continue')
    expect(blocks).toEqual([])
    body.push(`retry: 250\n\n${sse('1', 'one', 'a')}${sse(null, 'two')}`)
    body.end()
    expect(await outcome).toEqual({ type: 'ended', cause: null })
    expect(retries).toEqual([250])
    expect(blocks).toEqual([
      { givenId: '1', id: '1', type: 'a', data: 'one', topic: null },
      { givenId: null, id: '1', type: 'message', data: 'two', topic: null },
    ])
  })

  it('S2 inherits the last event ID of the stream before', async () => {
    const outcome = start({ lastEventId: '41' })
    const body = (await server.next()).stream()
    body.push(sse(null, 'x'))
    body.end()
    await outcome
    expect(blocks[0]).toMatchObject({ givenId: null, id: '41' })
  })

  it.each(['id: 2', 'id: 2\n', 'id: 2\ndata: cut', 'id: 2\ndata: cut\n'])(
    'S2 does not adopt an id whose event was cut: %j',
    async (rest) => {
      const outcome = start()
      const body = (await server.next()).stream()
      body.push(`${sse('1', 'whole')}${rest}`)
      await until(() => blocks.length > 0)
      body.error('connection reset')
      expect(await outcome).toEqual({ type: 'ended', cause: 'connection reset' })
      expect(blocks.map(({ givenId }) => givenId)).toEqual(['1'])
    },
  )

  it('P3 knows whether that was all: not behind what was there at once, nor behind much', async () => {
    const all: boolean[] = []
    void start({ onParsed: (_, isAll) => void all.push(isAll) })
    const body = (await server.next()).stream()
    await until(() => opened.length === 1)
    await settle()
    for (const id of ['1', '2', '3']) body.push(sse(id, 'x'))
    await until(() => all.length === 3)
    expect(all).toEqual([true, false, false])
    await settle()
    body.push(sse('4', 'x'))
    await until(() => all.length === 4)
    expect(all[3]).toBe(true)
    await settle()
    body.push(Array.from({ length: 40 }, (_, id) => sse(`${id}`, 'x'.repeat(1_000))).join(''))
    await until(() => all.length === 5)
    expect(all[4]).toBe(false)
  })

  it('gives null once it is aborted: before the request, before the answer, in the body', async () => {
    const before = new AbortController()
    before.abort()
    expect(await start({ signal: before.signal })).toBeNull()
    expect(server.requests).toHaveLength(0)

    const waiting = start()
    const request = await server.next()
    abort.abort()
    expect(await waiting).toBeNull()
    expect(request.aborted()).toBe(true)

    abort = new AbortController()
    const reading = start()
    const body = (await server.next()).stream()
    body.push(sse('1', 'one'))
    await until(() => blocks.length === 1)
    abort.abort()
    expect(await reading).toBeNull()
    expect(server.requests[1]!.aborted()).toBe(true)
  })

  it('reads no more while what it gave is being taken', async () => {
    let take = () => {}
    const outcome = start({ onParsed: () => new Promise<void>((resolve) => (take = resolve)) })
    const body = (await server.next()).stream()
    body.push(sse('1', 'one'))
    body.push(sse('2', 'two'))
    await settle()
    expect(body.unread()).toBe(1)
    take()
    await until(() => body.unread() === 0)
    take()
    body.end()
    expect(await outcome).toEqual({ type: 'ended', cause: null })
  })

  it('B1 tells of an event past the limit before it ends, and goes on behind it', async () => {
    let tooLarge = 0
    const outcome = start({
      onParsed(parsed) {
        blocks.push(...parsed.blocks)
        tooLarge += parsed.tooLarge
      },
    })
    const body = (await server.next()).stream()
    body.push(`${sse('1', 'fits')}id: 2\ndata: ${'x'.repeat(2_000)}`)
    await until(() => tooLarge === 1)
    expect(blocks.map(({ givenId }) => givenId)).toEqual(['1'])
    body.push(`\n\n${sse('3', 'fits')}`)
    body.end()
    expect(await outcome).toEqual({ type: 'ended', cause: null })
    expect(blocks.map(({ givenId, type }) => [givenId, type])).toEqual([
      ['1', 'message'],
      ['2', null],
      ['3', 'message'],
    ])
    expect(tooLarge).toBe(1)
  })
})
