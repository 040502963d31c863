import { beforeEach, describe, expect, it } from 'vitest'
import type { StreamRequest } from '../../../../worker/stream/transport.ts'
import { createFakeServer, type FakeServer } from '../../harness/server.ts'
import { startRequest } from '../../harness/stream-request.ts'

describe('S6 one attempt, and what is answered', () => {
  let server: FakeServer
  let abort: AbortController
  let opened: Headers[]

  beforeEach(() => {
    server = createFakeServer()
    abort = new AbortController()
    opened = []
  })

  const start = (over: Partial<StreamRequest> = {}) =>
    startRequest(server, {
      signal: abort.signal,
      onOpen: (headers) => void opened.push(headers),
      ...over,
    })

  it.each([204, 301, 401, 403, 404, 409, 410, 429, 500, 503])('S6 %i is an answer', async (status) => {
    const outcome = start()
    const request = await server.next()
    request.answer(status, { 'retry-after': '7' })
    const answered = await outcome
    expect(answered).toMatchObject({ type: 'answered', status })
    expect((answered as { headers: Headers }).headers.get('retry-after')).toBe('7')
    expect(opened).toEqual([])
    expect(request.aborted()).toBe(true)
  })

  it.each([
    ['text/event-stream', true],
    ['text/event-stream; charset=utf-8', true],
    ['Text/Event-Stream ;charset=utf-8', true],
    ['text/event-stream-ish', false],
    ['text/html; charset=utf-8', false],
    ['application/json', false],
    [null, false],
  ])('S6 200 with content type %j opens: %j', async (contentType, opens) => {
    const outcome = start()
    const request = await server.next()
    request.answer(200, contentType === null ? {} : { 'content-type': contentType }, '')
    const { type } = (await outcome)!
    expect([type, opened.length]).toEqual(opens ? ['ended', 1] : ['answered', 0])
  })

  it('S6 refuses a redirect', async () => {
    const outcome = start()
    ;(await server.next()).redirect()
    expect(await outcome).toEqual({ type: 'redirected' })
  })

  it('tells of a server that cannot be reached, in the words of the platform', async () => {
    const outcome = start()
    ;(await server.next()).fail('no route')
    expect(await outcome).toEqual({ type: 'unreachable', cause: 'no route' })
  })

  it.each(['Bearer se\ncret', 'Bearer secret\0'])(
    'A1 quotes no credential when the platform refuses the header: %j',
    async (authorization) => {
      const outcome = await start({ headers: { authorization } })
      expect(JSON.stringify(outcome)).not.toMatch(/secret|se\\ncret/)
    },
  )
})
