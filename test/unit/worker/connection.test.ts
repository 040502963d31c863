import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../worker/connection.ts'
import { openConnection } from '../harness/connection.ts'
import { sse } from '../harness/server.ts'

describe('S4 reconnection', () => {
  it('waits longer after every attempt that came to nothing', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    const waits: number[] = []
    for (let attempt = 1; attempt <= 7; attempt++) {
      ;(await stream.server.next()).answer(500)
      await stream.platform.advance(0)
      const { nextAttemptAt, attempt: counted } = stream.connection.status()
      expect(counted).toBe(attempt)
      waits.push(nextAttemptAt! - stream.platform.now())
      await stream.platform.advance(waits.at(-1)!)
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
  })

  it('starts over after 10 s of health, and not before', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    ;(await stream.server.next()).answer(500)
    await stream.platform.advance(500)
    const short = await stream.accept()
    await stream.platform.advance(9_999)
    expect(stream.connection.status().attempt).toBe(2)
    short.body.end()
    await stream.platform.advance(0)
    expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + 1_000)
    await stream.platform.advance(1_000)
    const long = await stream.accept()
    await stream.platform.advance(10_000)
    expect(stream.connection.status()).toMatchObject({ state: 'open', attempt: 0 })
    long.body.end()
    await stream.platform.advance(0)
    expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + 500)
  })

  it('takes its base from `retry:`, within 0.1 to 60 s', async () => {
    for (const [retry, wait] of [
      [4_000, 2_000],
      [1, 50],
      [86_400_000, 30_000],
    ] as const) {
      const stream = openConnection()
      const { body } = await stream.open()
      body.push(`retry: ${retry}\n\n`)
      await stream.platform.advance(0)
      body.end()
      await stream.platform.advance(0)
      expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + wait)
    }
  })

  it('measures how long streams stood, and how long it took to be back', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    await stream.platform.advance(4_000)
    body.end()
    await stream.platform.advance(500)
    await stream.accept()
    expect(stream.metrics.snapshot(0)).toMatchObject({
      connectionsAttempted: 2,
      connectionsSuccessful: 2,
      reconnections: 1,
      averageConnectionDuration: 4_000,
      averageReconnectionTime: 500,
    })
  })

  it('reopens a stream that stands when somebody asks, and closes the old one first (S1)', async () => {
    const stream = openConnection()
    const { request } = await stream.open()
    stream.connection.retry()
    expect(request.aborted()).toBe(true)
    await stream.platform.advance(CLOSE_GRACE - 1)
    expect(stream.server.requests).toHaveLength(1)
    await stream.platform.advance(1)
    await stream.accept()
    expect(stream.states).toEqual(['connecting', 'open', 'connecting', 'open'])
    expect(stream.errors).toEqual([])
  })
})

describe('S5 offline', () => {
  it('waits without trying, and tries at once when online', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    stream.platform.setOnline(false)
    expect(stream.state()).toBe('open')
    body.error()
    await stream.platform.advance(3_600_000)
    expect(stream.state()).toBe('offline')
    expect(stream.errors.at(-1)).toMatchObject({ state: 'offline', retryable: true })
    expect(stream.connection.status().nextAttemptAt).toBeNull()
    expect(stream.server.requests).toHaveLength(1)
    stream.platform.setOnline(true)
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('ends a wait, and online or a tab made visible ends the offline', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    ;(await stream.server.next()).answer(500)
    await stream.platform.advance(0)
    stream.platform.setOnline(false)
    expect(stream.state()).toBe('offline')
    stream.connection.nudge()
    ;(await stream.server.next()).fail()
    await stream.platform.advance(60_000)
    expect(stream.state()).toBe('offline')
    expect(stream.server.requests).toHaveLength(2)
    stream.platform.setOnline(true)
    expect(stream.state()).toBe('connecting')
  })

  it('a tab made visible while waiting: tries at once', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    ;(await stream.server.next()).answer(500)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('waiting')
    stream.connection.nudge()
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('a tab that comes also tries what had been given up; one that is looked at does not', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    ;(await stream.server.next()).answer(403)
    await stream.platform.advance(0)
    stream.connection.nudge()
    await stream.platform.advance(1_000)
    expect([stream.state(), stream.server.requests.length]).toEqual(['failed', 1])
    stream.connection.welcome()
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('a tab made visible leaves alone what stands', async () => {
    const stream = openConnection()
    await stream.open()
    stream.connection.nudge()
    await stream.platform.advance(1_000)
    expect(stream.server.requests).toHaveLength(1)
  })

  it('S4 `Retry-After` is a floor for a tab made visible as well, whatever the status', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    ;(await stream.server.next()).answer(503, { 'retry-after': '120' })
    await stream.platform.advance(1_000)
    stream.connection.nudge()
    stream.connection.welcome()
    stream.platform.setOnline(true)
    await stream.platform.advance(1_000)
    expect(stream.server.requests).toHaveLength(1)
    stream.connection.retry()
    await stream.accept()
  })
})

describe('hold and release', () => {
  it('streams only while there is no reason not to', async () => {
    const stream = openConnection()
    await stream.platform.advance(60_000)
    expect(stream.server.requests).toHaveLength(0)
    stream.connection.hold('follower')
    stream.connection.release('no-tabs')
    await stream.platform.advance(1_000)
    expect(stream.server.requests).toHaveLength(0)
    stream.connection.release('follower')
    const { request } = await stream.accept()
    stream.connection.hold('no-tabs')
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
    stream.connection.release('no-tabs')
    stream.connection.release('follower')
    await stream.platform.advance(1_000)
    expect(stream.server.requests).toHaveLength(1)
  })

  it('S1 a hold and a release in one turn open the next stream after the old one has closed', async () => {
    const stream = openConnection()
    await stream.open()
    stream.connection.hold('no-tabs')
    stream.connection.release('no-tabs')
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
      stream.connection.hold('no-tabs')
      stream.connection.release('no-tabs')
      await stream.platform.advance(10)
    }
    await stream.platform.advance(CLOSE_GRACE)
    expect(stream.server.requests).toHaveLength(2)
  })

  it('what a held attempt comes to counts no more', async () => {
    const stream = openConnection()
    stream.connection.release('no-tabs')
    const first = await stream.server.next()
    stream.connection.hold('no-tabs')
    stream.connection.release('no-tabs')
    first.answer(403)
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
    stream.connection.release('no-tabs')
    const request = await stream.server.next()
    await stream.platform.advance(40_000)
    expect(request.aborted()).toBe(true)
    expect(stream.state()).toBe('waiting')
    expect(stream.errors[0]).toMatchObject({ kind: 'stale' })
  })
})

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
    stream.connection.release('no-tabs')
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

  it('that fails keeps the stream for as long as the server lets it live', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release('no-tabs')
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
  })

  it('of a token that lives for a month comes in a month, not at once: timers end at 24.8 days', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release('no-tabs')
    await grant(stream, 30 * 24 * 3_600_000)
    await stream.accept()
    await stream.platform.advance(5_000)
    expect(stream.server.requests).toHaveLength(2)
    expect(stream.state()).toBe('open')
  })

  it('by a timer that is early by the wall clock costs no reconnection', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release('no-tabs')
    await grant(stream, 20_000)
    await stream.accept()
    stream.platform.setClock(-1)
    await stream.platform.advance(18_000)
    expect(stream.server.waiting()).toBe(0)
    expect(stream.state()).toBe('open')
    await stream.platform.advance(1)
    expect((await stream.server.next()).url).toBe('https://app.test/token')
  })

  it('a token that lives for a year is kept over reconnections', async () => {
    const stream = openConnection(AUTH)
    stream.connection.release('no-tabs')
    await grant(stream, 365 * 24 * 3_600_000)
    const { body } = await stream.accept()
    body.end()
    await stream.platform.advance(1_000)
    const next = await stream.server.next()
    expect(next.url).toBe('https://app.test/stream')
    expect(stream.tokens()).toBe(1)
  })
})
