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

  it('B1 an event too large backs off once, and fails at the same position: it does not loop', async () => {
    const stream = openConnection()
    const large = `${sse('1', 'fits')}id: 2\ndata: ${'x'.repeat(3_000)}\n\n`
    const { body, request } = await stream.open()
    body.push(large)
    await stream.platform.advance(0)
    expect(request.aborted()).toBe(true)
    expect(stream.errors).toEqual([
      expect.objectContaining({ kind: 'too-large', retryable: true, state: 'waiting', lastEventId: '1' }),
    ])
    expect(stream.log.lastEventId()).toBe('1')

    await stream.platform.advance(500)
    const again = await stream.accept()
    again.body.push(`id: 2\ndata: ${'x'.repeat(3_000)}\n\n`)
    await stream.platform.advance(3_600_000)
    expect(stream.connection.status()).toMatchObject({ state: 'failed', error: { kind: 'too-large' } })
    expect(stream.errors[1]).toMatchObject({ retryable: false, lastEventId: '1' })
    expect(stream.server.requests).toHaveLength(2)
  })

  it('B1 one after something that fitted is another accident, though the position has not moved', async () => {
    const stream = openConnection()
    for (const fits of ['', sse(null, 'fits')]) {
      stream.connection.release()
      const { body } = await stream.accept()
      body.push(`${fits}data: ${'x'.repeat(3_000)}`)
      await stream.platform.advance(2_000)
    }
    expect(stream.errors.map(({ retryable }) => retryable)).toEqual([true, true])
  })

  it('B1 one at another position is another accident', async () => {
    const stream = openConnection()
    const first = await stream.open()
    first.body.push(`id: 1\ndata: ${'x'.repeat(3_000)}`)
    await stream.platform.advance(1_000)
    const second = await stream.accept()
    second.body.push(`${sse('1', 'fits')}id: 2\ndata: ${'x'.repeat(3_000)}`)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('waiting')
  })
})
