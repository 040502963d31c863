import { describe, expect, it } from 'vitest'
import { openConnection } from '../../harness/connection.ts'
import { sse } from '../../harness/server.ts'

const AUTH = { auth: { exchange: null } }

describe('limits, as the stream lives through them', () => {
  it.each([409, 429])('%i waits as told, and a tab that comes does not hurry it', async (status) => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(status, { 'retry-after': '60' })
    await stream.platform.advance(0)
    expect(stream.connection.status()).toMatchObject({
      state: 'waiting',
      nextAttemptAt: stream.platform.now() + 60_500,
      error: { kind: 'limit', status, retryable: true, state: 'waiting' },
    })
    stream.connection.nudge()
    await stream.platform.advance(60_499)
    expect(stream.server.requests).toHaveLength(1)
    await stream.platform.advance(1)
    expect(stream.server.requests).toHaveLength(2)
    await stream.accept()
    expect(stream.connection.status()).toMatchObject({ state: 'open', error: null })
  })

  it('A2 a token endpoint that refuses is `unauthorized`, one that is full is a limit, one that is down waits', async () => {
    for (const [status, state, kind] of [
      [401, 'unauthorized', 'auth'],
      [429, 'waiting', 'limit'],
      [503, 'waiting', 'auth'],
    ] as const) {
      const stream = openConnection({ auth: { exchange: 'https://app.test/token' } })
      stream.connection.release()
      ;(await stream.server.next()).answer(status, { 'retry-after': '7' })
      await stream.platform.advance(0)
      expect(stream.connection.status()).toMatchObject({ state, error: { kind, status } })
      if (state === 'waiting')
        expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + 7_500)
      expect(stream.server.requests).toHaveLength(1)
    }
  })

  it('A1 no error and no status holds the token', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release()
    for (const status of [500, 401, 401]) {
      ;(await stream.server.next()).answer(status, {}, 'token-1')
      await stream.platform.advance(5_000)
    }
    expect(stream.errors.length).toBeGreaterThan(1)
    expect(JSON.stringify([stream.errors, stream.connection.status()])).not.toContain('token-')
  })

  it('B1 an event too large is skipped: an error and a reset tell of it, and the stream stays open', async () => {
    const stream = openConnection()
    const { body, request } = await stream.open()
    body.push(`${sse('1', 'fits')}id: 2\ndata: ${'x'.repeat(3_000)}\n\n${sse('3', 'fits')}`)
    await stream.platform.advance(3_000)
    expect(stream.errors).toEqual([
      expect.objectContaining({ kind: 'too-large', retryable: true, state: 'open', lastEventId: '' }),
    ])
    expect(stream.errors[0]!.message).toMatch(/1024 characters.*maxEventSize/)
    expect(stream.log.appended.map(({ id }) => id)).toEqual(['1', '3'])
    expect(stream.log.restarts).toEqual([['too-large', '2']])
    expect([stream.state(), request.aborted(), stream.log.lastEventId()]).toEqual(['open', false, '3'])
  })

  it('B1 an event as large as `maxEventSize` is no more than that, however it comes', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    const event = sse('1', 'x'.repeat(1_024))
    for (let at = 0; at < event.length; at += 100) {
      body.push(event.slice(at, at + 100))
      await stream.platform.advance(1)
    }
    expect(stream.errors).toEqual([])
    expect(stream.log.appended.map(({ data }) => data.length)).toEqual([1_024])
  })

  it('B1 of many events too large each is counted, and one a second told', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    for (let id = 1; id <= 30; id++) {
      body.push(sse(String(id), 'x'.repeat(2_000)))
      await stream.platform.advance(100)
    }
    expect(stream.metrics.snapshot(0).errors.byKind['too-large']).toBe(30)
    expect(stream.errors).toHaveLength(3)
  })
})
