import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { openConnection } from '../../harness/connection.ts'
import { sse } from '../../harness/server.ts'

describe('D7 what the server says of the resumption', () => {
  it('`reset` restarts the log without a position', async () => {
    const stream = openConnection()
    stream.log.setPosition('41')
    await stream.open({ 'stream-resume': 'reset' })
    expect(stream.log.restarts).toEqual([['server', '']])
    expect(stream.connection.status()).toMatchObject({ state: 'open', resume: 'reset' })
  })

  it.each([
    ['lenient', []],
    ['strict', [['unconfirmed', '41']]],
  ] as const)(
    'a server that says nothing is believed, unless `resume` is strict: %s',
    async (resume, restarts) => {
      const stream = openConnection({ resume })
      stream.log.setPosition('41')
      await stream.open()
      expect(stream.connection.status().resume).toBe('unconfirmed')
      expect(stream.log.restarts).toEqual(restarts)
    },
  )

  it('R4 an event `stream.reset` splits what came with it', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    const at: number[] = []
    const restart = stream.log.restart.bind(stream.log)
    stream.log.restart = (reason, id) => {
      at.push(stream.log.appended.length)
      return restart(reason, id)
    }
    body.push(sse('1', 'a') + sse('2', '', 'stream.reset') + sse('3', 'b') + sse('4', '', 'stream.reset'))
    await stream.platform.advance(0)
    expect(stream.log.appended.map(({ id }) => id)).toEqual(['1', '3'])
    expect(at).toEqual([1, 2])
    expect(stream.log.restarts).toEqual([
      ['server', '2'],
      ['server', '4'],
    ])
  })
})

describe('A2 renewal', () => {
  const AUTH = { auth: { exchange: 'https://app.test/token' } }
  const grant = async (stream: ReturnType<typeof openConnection>, life: number) => {
    const request = await stream.server.next()
    expect(request.url).toBe('https://app.test/token')
    request.json({ sse_token: `sse-${stream.tokens()}`, expires_at: new Date(stream.platform.now() + life) })
    await stream.platform.advance(0)
  }

  it('is ahead of expiry, while the old stream still runs, and counts as no attempt', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    await grant(stream, 600_000)
    const { request, body } = await stream.accept()
    for (let second = 0; second < 570; second += 10) {
      body.push(':\n')
      await stream.platform.advance(10_000)
    }
    const exchange = await stream.server.next()
    expect([stream.state(), request.aborted()]).toEqual(['open', false])
    exchange.json({ sse_token: 'sse-new', expires_at: new Date(stream.platform.now() + 600_000) })
    await stream.platform.advance(CLOSE_GRACE)
    const next = await stream.accept({ 'stream-resume': 'continue' })
    expect(request.aborted()).toBe(true)
    expect(next.request.headers.get('authorization')).toBe('Bearer sse-new')
    expect(stream.connection.status()).toMatchObject({ state: 'open', attempt: 1 })
    expect(stream.errors).toEqual([])
  })

  it('of a token that lives for 5 s comes after 10 s, and counts as no attempt either', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    await grant(stream, 5_000)
    await stream.accept()
    await stream.platform.advance(9_900)
    expect(stream.server.waiting()).toBe(0)
    await stream.platform.advance(100)
    await grant(stream, 600_000)
    await stream.platform.advance(CLOSE_GRACE)
    await stream.accept()
    expect(stream.connection.status()).toMatchObject({ state: 'open', attempt: 1 })
  })

  it('that fails keeps the stream for as long as the server lets it live', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    await grant(stream, 60_000)
    const { request, body } = await stream.accept()
    for (const ms of [18_000, 18_000, 18_000]) {
      body.push(':\n')
      await stream.platform.advance(ms)
    }
    ;(await stream.server.next()).answer(503)
    await stream.platform.advance(1_000)
    expect([stream.state(), request.aborted()]).toEqual(['open', false])
    expect(stream.errors).toEqual([])
    // And is tried again before the token expires.
    await stream.platform.advance(3_000)
    await grant(stream, 600_000)
    await stream.platform.advance(CLOSE_GRACE)
    const { request: next } = await stream.accept()
    expect([request.aborted(), next.headers.get('authorization')]).toEqual([true, 'Bearer sse-3'])
    expect(stream.errors).toEqual([])
  })

  it('of a token that lives for a month comes in a month, not at once: timers end at 24.8 days', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    await grant(stream, 30 * 24 * 3_600_000)
    await stream.accept()
    await stream.platform.advance(5_000)
    expect(stream.server.requests).toHaveLength(2)
    expect(stream.state()).toBe('open')
  })

  it('by a timer that is early by the wall clock costs no reconnection', async () => {
    const stream = openConnection(AUTH)
    stream.platform.setRandom(0)
    stream.connection.release()
    await grant(stream, 20_000)
    await stream.accept()
    stream.platform.setClock(-1)
    await stream.platform.advance(16_000)
    expect(stream.server.waiting()).toBe(0)
    expect(stream.state()).toBe('open')
    await stream.platform.advance(1)
    expect((await stream.server.next()).url).toBe('https://app.test/token')
  })

  it('a token that lives for a year is kept over reconnections', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    await grant(stream, 365 * 24 * 3_600_000)
    const { body } = await stream.accept()
    body.end()
    await stream.platform.advance(1_000)
    const next = await stream.server.next()
    expect(next.url).toBe('https://app.test/stream')
    expect(stream.tokens()).toBe(1)
  })
})
