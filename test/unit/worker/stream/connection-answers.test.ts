import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { openConnection } from '../../harness/connection.ts'

const AUTH = { auth: { exchange: null } }

describe('S6 answers, as the stream lives through them', () => {
  it('200 with an event stream opens', async () => {
    const stream = openConnection()
    expect(stream.connection.status()).toMatchObject({
      state: 'idle',
      attempt: 0,
      error: null,
      health: 'good',
    })
    const { request } = await stream.open()
    expect(stream.states).toEqual(['connecting', 'open'])
    expect(stream.connection.status()).toMatchObject({
      state: 'open',
      attempt: 1,
      since: stream.platform.now(),
      nextAttemptAt: null,
      resume: 'fresh',
      error: null,
    })
    expect(request.headers.get('stream-client')).toBe('this-browser')
    expect(stream.metrics.snapshot(0)).toMatchObject({ connectionsAttempted: 1, connectionsSuccessful: 1 })
  })

  it('R6 sends no Stream-Client where it would fail a preflight', async () => {
    const stream = openConnection({}, { sendStreamClient: false })
    const { request } = await stream.open()
    expect(request.headers.has('stream-client')).toBe(false)
  })

  it('R1 asks to resume after the position of the log', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    const { request } = await stream.open({ 'stream-resume': 'continue' })
    expect(request.headers.get('last-event-id')).toBe('41')
    expect(stream.connection.status().resume).toBe('continued')
    expect(stream.log.restarts).toEqual([])
  })

  it.each([
    ['', false],
    ['41', true],
  ])(
    'D3 the log is told of a connection that asked for position "%s" whether it resumed: %s',
    async (position, isResumed) => {
      const stream = openConnection()
      stream.log.setPosition(position)
      await stream.open()
      expect(stream.log.connections).toEqual([isResumed])
    },
  )

  it('sends the headers of the application, below its own, and follows no redirect with them', async () => {
    const stream = openConnection({ headers: { 'x-tenant': 'acme', 'last-event-id': 'forged' } })
    stream.log.setPosition('7')
    const { headers, init } = (await stream.open()).request
    expect(headers.get('x-tenant')).toBe('acme')
    expect(headers.get('last-event-id')).toBe('7')
    expect(init.redirect).toBe('manual')
  })

  it('204 ends the stream: time, a release and a tab that is looked at open nothing', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(204)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('closed')
    expect(stream.errors).toEqual([])
    stream.connection.nudge()
    stream.connection.wake()
    stream.connection.release()
    await stream.platform.advance(3_600_000)
    expect(stream.server.requests).toHaveLength(1)
    expect(stream.state()).toBe('closed')
  })

  it.each<[string, (connection: ReturnType<typeof openConnection>['connection']) => void]>([
    ['reconnect()', (connection) => connection.retry()],
    ['a tab that comes', (connection) => connection.welcome()],
    [
      'the next visit',
      (connection) => {
        connection.hold()
        connection.release()
      },
    ],
  ])('204 is over for now, not for ever: %s tries again', async (_, come) => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(204)
    await stream.platform.advance(0)
    come(stream.connection)
    await stream.accept()
    expect(stream.connection.status()).toMatchObject({ state: 'open', error: null })
    expect(stream.states.filter((state) => state !== 'idle')).toEqual([
      'connecting',
      'closed',
      'connecting',
      'open',
    ])
  })

  it('a connection that was closed for good is not opened again', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(204)
    await stream.platform.advance(0)
    stream.connection.close()
    stream.connection.retry()
    stream.connection.welcome()
    stream.connection.hold()
    stream.connection.release()
    await stream.platform.advance(3_600_000)
    expect([stream.state(), stream.server.requests.length]).toEqual(['closed', 1])
  })

  it('reconnect() during an attempt begins anew: the one under way is aborted, and what it comes to counts no more', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    const slow = await stream.server.next()
    await stream.platform.advance(3_000)
    stream.connection.retry()
    expect(slow.aborted()).toBe(true)
    slow.answer(401)
    await stream.platform.advance(CLOSE_GRACE)
    const { request } = await stream.accept()
    expect(request.headers.get('authorization')).toBe('Bearer token-2')
    expect(stream.connection.status()).toMatchObject({ state: 'open', attempt: 1, error: null })
    expect(stream.errors).toEqual([])
  })

  it('401 obtains a new token at once, then is `unauthorized` until there is one that is not refused', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    const first = await stream.server.next()
    expect(first.headers.get('authorization')).toBe('Bearer token-1')
    first.answer(401)
    await stream.platform.advance(0)
    const second = await stream.server.next()
    expect(second.headers.get('authorization')).toBe('Bearer token-2')
    second.answer(401)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('unauthorized')
    expect(stream.errors).toEqual([
      expect.objectContaining({
        kind: 'auth',
        status: 401,
        retryable: true,
        state: 'unauthorized',
        attempt: 2,
      }),
    ])
    expect(stream.states).toEqual(['connecting', 'waiting', 'connecting', 'unauthorized'])

    stream.connection.retry()
    const third = await stream.server.next()
    expect(third.headers.get('authorization')).toBe('Bearer token-3')
    third.stream()
    await stream.platform.advance(0)
    expect(stream.connection.status()).toMatchObject({ state: 'open', error: null, attempt: 1 })
  })

  it('401 after a stream that stood obtains a new token again', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    ;(await stream.server.next()).answer(401)
    await stream.platform.advance(0)
    const { body } = await stream.accept()
    body.end()
    await stream.platform.advance(30_000)
    ;(await stream.server.next()).answer(401)
    await stream.platform.advance(0)
    expect((await stream.server.next()).headers.get('authorization')).toBe('Bearer token-4')
  })

  it('401 to a token that was exchanged has another one exchanged, though it had not expired', async () => {
    const stream = openConnection({ auth: { exchange: 'https://app.test/token' } })
    stream.connection.release()
    const expires_at = new Date(stream.platform.now() + 600_000)
    ;(await stream.server.next()).json({ sse_token: 'sse-1', expires_at })
    ;(await stream.server.next()).answer(401)
    await stream.platform.advance(0)
    const exchange = await stream.server.next()
    expect(exchange.url).toBe('https://app.test/token')
    exchange.json({ sse_token: 'sse-2', expires_at })
    expect((await stream.server.next()).headers.get('authorization')).toBe('Bearer sse-2')
  })

  it('403 is final', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    ;(await stream.server.next()).answer(403)
    await stream.platform.advance(3_600_000)
    expect(stream.connection.status()).toMatchObject({
      state: 'failed',
      error: { kind: 'auth', status: 403 },
    })
    expect(stream.errors[0]).toMatchObject({ retryable: false, state: 'failed' })
    expect(stream.server.requests).toHaveLength(1)
  })

  it('410 starts afresh at once, and resets every tab once the stream stands that has what comes from then on', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    stream.connection.release()
    ;(await stream.server.next()).answer(410)
    await stream.platform.advance(0)
    const again = await stream.server.next()
    expect(again.headers.has('last-event-id')).toBe(false)
    expect(stream.log.restarts).toEqual([])
    again.stream()
    await stream.platform.advance(0)
    expect(stream.log.restarts).toEqual([['position-lost', '']])
    expect(stream.connection.status()).toMatchObject({ state: 'open', resume: 'reset' })
    expect(stream.errors).toEqual([])
  })

  it('410 to a request without a position backs off: it would be asked for ever at full speed', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(410)
    await stream.platform.advance(0)
    expect(stream.log.restarts).toEqual([])
    expect(stream.connection.status()).toMatchObject({ state: 'waiting', error: { status: 410 } })
    expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + 500)
  })

  it.each<
    [
      string,
      (stream: Awaited<ReturnType<ReturnType<typeof openConnection>['server']['next']>>) => void,
      object,
    ]
  >([
    ['408', (request) => request.answer(408), { kind: 'http', status: 408 }],
    ['500', (request) => request.answer(500), { kind: 'http', status: 500 }],
    ['404', (request) => request.answer(404), { kind: 'http', status: 404 }],
    ['a network error', (request) => request.fail('no route'), { kind: 'network', cause: 'no route' }],
    ['a redirect', (request) => request.redirect(), { kind: 'auth' }],
    [
      'a web page',
      (request) => request.answer(200, { 'content-type': 'text/html' }),
      { kind: 'protocol', status: 200 },
    ],
    ['a clean end of the body', (request) => request.stream().end(), { kind: 'network', cause: null }],
    ['a cut', (request) => request.stream().error('reset'), { kind: 'network', cause: 'reset' }],
  ])('%s backs off, and comes back', async (_, respond, error) => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    respond(await stream.server.next())
    await stream.platform.advance(0)
    expect(stream.errors).toEqual([
      expect.objectContaining({ ...error, retryable: true, state: 'waiting', attempt: 1 }),
    ])
    expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + 500)
    await stream.platform.advance(500)
    await stream.accept()
    expect(stream.connection.status()).toMatchObject({ state: 'open', attempt: 2, error: null })
  })

  it('a page instead of the stream is tried ever more seldom, and at once when a tab is looked at', async () => {
    const stream = openConnection()
    stream.connection.release()
    const waits: number[] = []
    for (let attempt = 1; attempt <= 11; attempt++) {
      ;(await stream.server.next()).answer(200, { 'content-type': 'text/html' })
      await stream.platform.advance(0)
      waits.push(stream.connection.status().nextAttemptAt! - stream.platform.now())
      await stream.platform.advance(attempt < 11 ? waits.at(-1)! : 1_000)
    }
    expect(waits.slice(4)).toEqual([8_000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000])
    stream.connection.nudge()
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('a server that holds its answer back is told of after some seconds, while the attempt goes on', async () => {
    const stream = openConnection()
    stream.connection.release()
    const request = await stream.server.next()
    await stream.platform.advance(7_999)
    expect(stream.connection.status().error).toBeNull()
    await stream.platform.advance(1)
    expect(stream.connection.status()).toMatchObject({
      state: 'connecting',
      error: {
        kind: 'stale',
        retryable: true,
        message: expect.stringMatching(/comment.*proxy.*compression/i),
      },
    })
    expect(stream.errors).toHaveLength(1)
    request.stream()
    await stream.platform.advance(0)
    expect(stream.connection.status()).toMatchObject({ state: 'open', error: null })
  })

  it.each<[string, (stream: ReturnType<typeof openConnection>) => void]>([
    [
      'events that cannot be taken',
      ({ log }) => {
        log.append = () => Promise.reject(new RangeError('no room'))
      },
    ],
    [
      'a log that cannot start over',
      ({ log }) => {
        log.restart = () => Promise.reject(new RangeError('no room'))
      },
    ],
    [
      'a position that cannot be read',
      ({ log }) => {
        log.lastEventId = () => {
          log.lastEventId = () => '41'
          throw new RangeError('no room')
        }
      },
    ],
  ])('a fault of the hub itself is told as one, and the stream comes back: %s', async (_, breakIt) => {
    const stream = openConnection({ resume: 'strict' })
    stream.log.setPosition('41')
    breakIt(stream)
    stream.connection.release()
    stream.server.handle((request) => request.stream({ 'stream-resume': 'reset' }).push('id: 1\ndata: x\n\n'))
    await stream.platform.advance(0)
    expect(stream.errors[0]).toMatchObject({
      kind: 'worker',
      state: 'waiting',
      retryable: true,
      cause: 'RangeError: no room',
    })
    expect(stream.connection.status().nextAttemptAt).not.toBeNull()
  })
})
