import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { openConnection } from '../../harness/connection.ts'
import { type FakeRequest, sse } from '../../harness/server.ts'

type Stream = ReturnType<typeof openConnection>

/** A stream at position 41, whose server has refused it three times. */
const refuse = async (stream: Stream, respond: (request: FakeRequest) => void) => {
  stream.log.setPosition('41')
  stream.connection.release()
  for (let attempt = 1; attempt <= 3; attempt++) {
    const request = await stream.server.next()
    expect(request.headers.get('last-event-id')).toBe('41')
    respond(request)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('waiting')
    await stream.platform.advance(stream.connection.status().nextAttemptAt! - stream.platform.now())
  }
  return stream.server.next()
}

describe('S7 a server that refuses the position', () => {
  it.each([400, 404, 409, 412, 500, 502])(
    'with %i, three times: it is given up once the server has refused it again after opening without',
    async (status) => {
      const stream = openConnection()
      const probe = await refuse(stream, (request) => request.answer(status))
      expect(probe.headers.has('last-event-id')).toBe(false)
      probe.stream().push(sse('900', 'not to be read'))
      await stream.platform.advance(0)
      expect([probe.aborted(), stream.state(), stream.log.restarts]).toEqual([true, 'connecting', []])
      await stream.platform.advance(CLOSE_GRACE)
      const again = await stream.server.next()
      expect(again.headers.get('last-event-id')).toBe('41')
      again.answer(status)
      await stream.platform.advance(CLOSE_GRACE)
      const fresh = await stream.server.next()
      expect(fresh.headers.has('last-event-id')).toBe(false)
      expect(stream.log.restarts).toEqual([])
      fresh.stream().push(sse('7', 'x'))
      await stream.platform.advance(0)
      expect(stream.log.restarts).toEqual([['position-lost', '']])
      expect(stream.log.appended.map(({ id }) => id)).toEqual(['7'])
      expect(stream.connection.status()).toMatchObject({ state: 'open', resume: 'reset', error: null })
      expect(stream.states).not.toContain('failed')
    },
  )

  it('and names a time: the fresh stream comes no sooner (S4)', async () => {
    const stream = openConnection()
    const probe = await refuse(stream, (request) => request.answer(500))
    probe.stream()
    await stream.platform.advance(CLOSE_GRACE)
    ;(await stream.server.next()).answer(503, { 'retry-after': '20' })
    await stream.platform.advance(19_999)
    const { length } = stream.server.requests
    await stream.platform.advance(2_000)
    expect(stream.server.requests.length).toBe(length + 1)
    expect((await stream.server.next()).headers.has('last-event-id')).toBe(false)
  })

  it.each([
    ['in a query parameter', { lastEventId: { query: 'after' } }, false],
    ['in a header that it has taken before', {}, true],
  ])(
    'of another origin, whose errors no script can read, with the position %s: given up, and the next one goes along',
    async (_, over, wasTaken) => {
      const stream = openConnection(
        { ...over, url: 'https://api.test/stream' },
        { sameOrigin: false, sendStreamClient: false },
      )
      const asked = ({ url, headers }: FakeRequest) =>
        new URL(url).searchParams.get('after') ?? headers.get('last-event-id')
      stream.log.setPosition('41')
      stream.connection.release()
      if (wasTaken) {
        const { request, body } = await stream.accept()
        expect(asked(request)).toBe('41')
        body.error()
        await stream.platform.advance(1_000)
      }
      for (let attempt = 1; attempt <= 3; attempt++) {
        ;(await stream.server.next()).fail()
        await stream.platform.advance(0)
        await stream.platform.advance(stream.connection.status().nextAttemptAt! - stream.platform.now())
      }
      const { request: probe } = await stream.accept()
      expect(asked(probe)).toBeNull()
      await stream.platform.advance(CLOSE_GRACE)
      ;(await stream.server.next()).fail()
      await stream.platform.advance(CLOSE_GRACE)
      const { request: fresh, body } = await stream.accept()
      expect(asked(fresh)).toBeNull()
      expect(stream.log.restarts).toEqual([['position-lost', '']])
      expect(stream.errors.map(({ kind }) => kind)).not.toContain('protocol')
      body.push(sse('7', 'x'))
      await stream.platform.advance(0)
      body.error()
      await stream.platform.advance(60_000)
      expect(asked(await stream.server.next())).toBe('7')
    },
  )

  it('and is merely back by then costs nobody a reset', async () => {
    const stream = openConnection()
    const probe = await refuse(stream, (request) => request.answer(503))
    probe.stream().push(sse('900', 'not to be read'))
    await stream.platform.advance(CLOSE_GRACE)
    const { request, body } = await stream.accept({ 'stream-resume': 'continue' })
    expect(request.headers.get('last-event-id')).toBe('41')
    body.push(sse('42', 'x'))
    await stream.platform.advance(0)
    expect(stream.log.restarts).toEqual([])
    expect(stream.log.appended.map(({ id }) => id)).toEqual(['42'])
    expect(stream.connection.status()).toMatchObject({ state: 'open', resume: 'continued' })
  })

  it('and any request keeps the position: it goes along again with the next attempt', async () => {
    const stream = openConnection()
    const probe = await refuse(stream, (request) => request.answer(500))
    probe.answer(500)
    await stream.platform.advance(60_000)
    const { request } = await stream.accept({ 'stream-resume': 'continue' })
    expect(request.headers.get('last-event-id')).toBe('41')
    expect(stream.log.restarts).toEqual([])
  })

  it('is no server whose stream has no position: each attempt is the same', async () => {
    const stream = openConnection()
    stream.connection.release()
    for (let attempt = 1; attempt <= 6; attempt++) {
      ;(await stream.server.next()).answer(400)
      await stream.platform.advance(30_000)
    }
    await stream.accept()
    expect(stream.state()).toBe('open')
    expect(stream.log.restarts).toEqual([])
  })

  it('S1 the attempt without it is closed before the next one opens', async () => {
    const stream = openConnection()
    const probe = await refuse(stream, (request) => request.answer(400))
    probe.stream()
    await stream.platform.advance(CLOSE_GRACE - 1)
    expect([probe.aborted(), stream.server.waiting()]).toEqual([true, 0])
    await stream.platform.advance(1)
    expect(stream.server.waiting()).toBe(1)
  })

  it('I2 dropLog() gives up the position of a stream that waits: it is tried at once, and one reset is told when it stands', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    stream.connection.release()
    ;(await stream.server.next()).answer(400)
    await stream.platform.advance(0)
    stream.connection.drop()
    expect([stream.state(), stream.log.restarts]).toEqual(['connecting', []])
    const { request } = await stream.accept()
    expect(request.headers.has('last-event-id')).toBe(false)
    expect(stream.log.restarts).toEqual([['dropped', '']])
  })

  it('I2 dropLog() is told at once where no stream opens, and once more when one does: much may have come in between', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    stream.connection.release()
    for (const _ of [1, 2]) {
      ;(await stream.server.next()).answer(500)
      await stream.platform.advance(0)
      if (stream.log.restarts.length === 0) stream.connection.drop()
    }
    expect([stream.state(), stream.log.restarts]).toEqual(['waiting', [['dropped', '']]])
    await stream.platform.advance(2_000)
    const { request } = await stream.accept()
    expect(request.headers.has('last-event-id')).toBe(false)
    expect(stream.log.restarts).toEqual([
      ['dropped', ''],
      ['dropped', ''],
    ])
  })

  it('D1 a reset is told once more if the stream is cut before its first id, and not after that', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    const { body } = await stream.open({ 'stream-resume': 'reset' })
    expect(stream.log.restarts).toEqual([['server', '']])
    body.error()
    await stream.platform.advance(1_000)
    const again = await stream.accept()
    expect(again.request.headers.has('last-event-id')).toBe(false)
    expect(stream.log.restarts.slice(1)).toEqual([['position-lost', '']])
    again.body.push(sse('1', 'x'))
    await stream.platform.advance(0)
    again.body.error()
    await stream.platform.advance(1_000)
    const { request } = await stream.accept({ 'stream-resume': 'continue' })
    expect(request.headers.get('last-event-id')).toBe('1')
    expect(stream.log.restarts).toHaveLength(2)
  })

  it('I2 dropLog() on a stream that stands is told at once, and once more if the stream is cut before another id', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    const { body } = await stream.open({ 'stream-resume': 'continue' })
    stream.connection.drop()
    expect(stream.log.restarts).toEqual([['dropped', '']])
    body.error()
    await stream.platform.advance(1_000)
    const { request } = await stream.accept()
    expect(request.headers.has('last-event-id')).toBe(false)
    expect(stream.log.restarts).toHaveLength(2)
  })

  it('I2 dropLog() on a stream that stands costs no second reset once the server has sent another id', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    const { body } = await stream.open({ 'stream-resume': 'continue' })
    stream.connection.drop()
    body.push(sse('42', 'x'))
    await stream.platform.advance(0)
    body.error()
    await stream.platform.advance(1_000)
    const { request } = await stream.accept({ 'stream-resume': 'continue' })
    expect(request.headers.get('last-event-id')).toBe('42')
    expect(stream.log.restarts).toEqual([['dropped', '']])
  })
})

describe('S7 a server of another origin that does not allow the header', () => {
  const OTHER = { sameOrigin: false, sendStreamClient: false }
  /** As fetch shows a preflight that is refused. */
  const answer = (request: FakeRequest) =>
    request.headers.has('last-event-id') ? request.fail('Failed to fetch') : request.stream()

  it('is told of, and the stream comes back without a position, with a reset each time', async () => {
    const stream = openConnection({}, OTHER)
    const probe = await refuse(stream, answer)
    answer(probe)
    await stream.platform.advance(CLOSE_GRACE)
    answer(await stream.server.next())
    await stream.platform.advance(CLOSE_GRACE)
    expect(stream.errors.at(-1)).toMatchObject({
      kind: 'protocol',
      retryable: true,
      message: expect.stringContaining('Access-Control-Allow-Headers: Last-Event-ID'),
    })
    for (const resets of [1, 2]) {
      const { request, body } = await stream.accept()
      expect(request.headers.has('last-event-id')).toBe(false)
      expect(stream.log.restarts).toEqual(Array(resets).fill(['position-lost', '']))
      expect(stream.connection.status()).toMatchObject({ state: 'open', resume: 'reset', error: null })
      body.push(sse('42', 'x'))
      await stream.platform.advance(0)
      body.end()
      await stream.platform.advance(2_000)
    }
    const told = stream.errors.filter(({ kind }) => kind === 'protocol')
    expect(told).toHaveLength(1)
  })

  it('reconnect() tries the header again: the server may have learned to allow it', async () => {
    const stream = openConnection({}, OTHER)
    answer(await refuse(stream, answer))
    await stream.platform.advance(CLOSE_GRACE)
    answer(await stream.server.next())
    await stream.platform.advance(CLOSE_GRACE)
    const { body } = await stream.accept()
    body.push(sse('42', 'x'))
    await stream.platform.advance(0)
    stream.connection.retry()
    await stream.platform.advance(CLOSE_GRACE)
    expect((await stream.server.next()).headers.get('last-event-id')).toBe('42')
  })

  it('a server that is merely away keeps the position', async () => {
    const stream = openConnection({}, OTHER)
    const probe = await refuse(stream, (request) => request.fail())
    probe.stream()
    await stream.platform.advance(CLOSE_GRACE)
    const { request } = await stream.accept({ 'stream-resume': 'continue' })
    expect(request.headers.get('last-event-id')).toBe('41')
    expect(stream.log.restarts).toEqual([])
  })

  it('is not looked for at the own origin, where a script can read each answer', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    stream.connection.release()
    for (let attempt = 1; attempt <= 8; attempt++) {
      const request = await stream.server.next()
      expect(request.headers.get('last-event-id')).toBe('41')
      request.fail()
      await stream.platform.advance(30_000)
    }
  })

  it('takes the position in the query parameter that the application names', async () => {
    const stream = openConnection(
      { url: 'https://hub.test/?topic=a%2Fb', lastEventId: { query: 'lastEventID' } },
      OTHER,
    )
    stream.log.setPosition('urn:uuid:1 & 2')
    const { request } = await stream.open()
    expect(request.headers.has('last-event-id')).toBe(false)
    expect(request.url).toBe('https://hub.test/?topic=a%2Fb&lastEventID=urn%3Auuid%3A1+%26+2')
  })

  it('is asked without the parameter where there is no position', async () => {
    const stream = openConnection({ lastEventId: { query: 'lastEventID' } }, OTHER)
    const { request } = await stream.open()
    expect(request.url).toBe('https://app.test/stream')
  })
})
