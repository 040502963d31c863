import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { openConnection } from '../../harness/connection.ts'

describe('hold and release', () => {
  it('streams only once it is released, until it is held', async () => {
    const stream = openConnection()
    await stream.platform.advance(60_000)
    expect(stream.server.requests).toHaveLength(0)
    stream.connection.hold()
    await stream.platform.advance(1_000)
    expect(stream.server.requests).toHaveLength(0)
    stream.connection.release()
    const { request } = await stream.accept()
    stream.connection.hold()
    expect(request.aborted()).toBe(true)
    expect(stream.state()).toBe('idle')
    await stream.platform.advance(60_000)
    expect(stream.server.requests).toHaveLength(1)
    expect(stream.errors).toEqual([])
    expect(stream.platform.timers()).toBe(0)
  })

  it('a release without a hold starts nothing', async () => {
    const stream = openConnection()
    await stream.open()
    stream.connection.release()
    stream.connection.release()
    await stream.platform.advance(1_000)
    expect(stream.server.requests).toHaveLength(1)
  })

  it('S1 a hold and a release in one turn open the next stream after the old one has closed', async () => {
    const stream = openConnection()
    await stream.open()
    stream.connection.hold()
    stream.connection.release()
    await stream.platform.advance(CLOSE_GRACE - 1)
    expect([stream.state(), stream.server.requests.length]).toEqual(['connecting', 1])
    await stream.platform.advance(1)
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('S1 however often it is held and released meanwhile, one request is made', async () => {
    const stream = openConnection()
    await stream.open()
    for (let count = 0; count < 5; count++) {
      stream.connection.hold()
      stream.connection.release()
      await stream.platform.advance(10)
    }
    await stream.platform.advance(CLOSE_GRACE)
    expect(stream.server.requests).toHaveLength(2)
  })

  it('H2 a stream that nobody looks at is let go, and the next request resumes after what came', async () => {
    const stream = openConnection()
    const { request, body } = await stream.open()
    body.push('id: 7\ndata: x\n\n')
    await stream.platform.advance(0)
    stream.connection.letGo()
    expect(request.aborted()).toBe(true)
    await stream.platform.advance(3_600_000)
    expect(stream.connection.status()).toMatchObject({ state: 'idle', nextAttemptAt: null, error: null })
    expect([stream.server.requests.length, stream.platform.timers()]).toEqual([1, 0])
    stream.connection.release()
    const next = await stream.accept({ 'stream-resume': 'continue' })
    expect(next.request.headers.get('last-event-id')).toBe('7')
    expect(stream.connection.status()).toMatchObject({ state: 'open', resume: 'continued' })
    // Nobody wanted a stream in the hour between.
    expect(stream.metrics.snapshot(1)).toMatchObject({ reconnections: 1, averageReconnectionTime: 0 })
  })

  it('H2 attempts are let go as well, and the error that led to them is over', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).fail()
    await stream.platform.advance(0)
    expect(stream.state()).toBe('waiting')
    stream.connection.letGo()
    await stream.platform.advance(600_000)
    expect(stream.server.requests).toHaveLength(1)
    expect(stream.connection.status()).toMatchObject({ state: 'idle', error: null })
    stream.connection.release()
    await stream.server.next()
    stream.connection.letGo()
    expect(stream.state()).toBe('idle')
  })

  it('H2, S4 a time that the server named is waited for before the attempts are let go', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(503, { 'retry-after': '60' })
    await stream.platform.advance(0)
    stream.connection.letGo()
    expect(stream.state()).toBe('waiting')
    await stream.platform.advance(62_000)
    expect(stream.state()).toBe('connecting')
    stream.connection.letGo()
    expect(stream.state()).toBe('idle')
  })

  it.each([
    ['failed', 403],
    ['closed', 204],
    ['unauthorized', 401],
  ])('H2 `%s` stays, since only a tab can change it', async (state, status) => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(status)
    await stream.platform.advance(0)
    expect(stream.state()).toBe(state)
    stream.connection.letGo()
    expect(stream.state()).toBe(state)
  })

  it('what a held attempt comes to counts no more', async () => {
    const stream = openConnection()
    stream.connection.release()
    const first = await stream.server.next()
    stream.connection.hold()
    stream.connection.release()
    first.answer(403)
    await stream.platform.advance(CLOSE_GRACE)
    await stream.accept()
    expect(stream.state()).toBe('open')
    expect(stream.errors).toEqual([])
  })

  it('close() is for good, and leaves no listener and no timer', async () => {
    const stream = openConnection()
    const { request } = await stream.open()
    stream.connection.close()
    await stream.platform.advance(0)
    expect(request.aborted()).toBe(true)
    expect(stream.state()).toBe('closed')
    expect([stream.platform.timers(), stream.platform.connectivityListeners()]).toEqual([0, 0])
  })
})

describe('S3 silence', () => {
  it('is `degraded` after one timeout, and `good` again with a byte', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    await stream.platform.advance(19_999)
    expect(stream.connection.status().health).toBe('good')
    await stream.platform.advance(1)
    expect(stream.connection.status().health).toBe('degraded')
    body.push(':\n')
    await stream.platform.advance(0)
    expect(stream.connection.status()).toMatchObject({ state: 'open', health: 'good' })
    expect(stream.metrics.snapshot(0)).toMatchObject({ missedHeartbeats: 1, bytesReceived: 2 })
  })

  it('is `stale` after the last one, and reconnects', async () => {
    const stream = openConnection()
    const { request } = await stream.open()
    await stream.platform.advance(40_000)
    expect(request.aborted()).toBe(true)
    expect(stream.connection.status()).toMatchObject({
      state: 'waiting',
      health: 'good',
      error: { kind: 'stale' },
    })
    expect(stream.errors[0]).toMatchObject({ kind: 'stale', retryable: true, status: null })
    expect(stream.errors[0]!.message).toContain('40 s')
    await stream.platform.advance(1_000)
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('ends a request that nobody answers as well', async () => {
    const stream = openConnection()
    stream.connection.release()
    const request = await stream.server.next()
    await stream.platform.advance(40_000)
    expect(request.aborted()).toBe(true)
    expect(stream.state()).toBe('waiting')
    expect(stream.errors[0]).toMatchObject({ kind: 'stale' })
  })
})
