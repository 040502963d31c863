import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { openConnection } from '../../harness/connection.ts'

describe('S4 reconnection', () => {
  it('waits no longer for a clock that is set back by an hour: after reconnect(), and over a wake', async () => {
    const stream = openConnection()
    await stream.open()
    stream.connection.retry()
    await stream.platform.advance(CLOSE_GRACE)
    const { body } = await stream.accept()
    stream.platform.setClock(-3_600_000)
    body.error()
    await stream.platform.advance(1_000)
    ;(await stream.server.next()).answer(503, { 'retry-after': '10' })
    await stream.platform.advance(0)
    stream.platform.setClock(-3_600_000)
    stream.connection.wake()
    await stream.platform.advance(12_000)
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('waits longer after every attempt that came to nothing', async () => {
    const stream = openConnection()
    stream.connection.release()
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
    stream.connection.release()
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
  it('is a hint: attempts go on, at most every 10 s growing to 30 s, and one comes at once when online', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    stream.platform.setOnline(false)
    expect(stream.state()).toBe('open')
    body.error()
    await stream.platform.advance(0)
    expect(stream.errors.at(-1)).toMatchObject({ state: 'offline', retryable: true })
    const waits: number[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      expect(stream.state()).toBe('offline')
      waits.push(stream.connection.status().nextAttemptAt! - stream.platform.now())
      await stream.platform.advance(waits.at(-1)!)
      ;(await stream.server.next()).fail()
      await stream.platform.advance(0)
    }
    expect(waits).toEqual([11_000, 22_000, 30_000, 30_000])
    stream.platform.setOnline(true)
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('that is not so keeps no stream from opening, and closes none', async () => {
    const stream = openConnection()
    stream.platform.setOnline(false)
    stream.connection.release()
    await stream.accept()
    await stream.platform.advance(15_000)
    expect(stream.state()).toBe('open')
  })

  it('delays a wait, and online or a tab made visible ends the offline', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(500)
    await stream.platform.advance(0)
    stream.platform.setOnline(false)
    expect(stream.state()).toBe('offline')
    expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + 11_000)
    stream.connection.nudge()
    ;(await stream.server.next()).fail()
    await stream.platform.advance(5_000)
    expect(stream.state()).toBe('offline')
    expect(stream.server.requests).toHaveLength(2)
    stream.platform.setOnline(true)
    expect(stream.state()).toBe('connecting')
  })

  it('is noticed to be over within 2 s where the browser tells nobody', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    stream.platform.setOnline(false)
    body.error()
    await stream.platform.advance(5_000)
    expect(stream.state()).toBe('offline')
    stream.platform.setOnline(true, 'silently')
    expect(stream.state()).toBe('offline')
    await stream.platform.advance(2_000)
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('a tab made visible while waiting: tries at once', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(500)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('waiting')
    stream.connection.nudge()
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('a tab that comes also tries what had been given up; one that is looked at does not', async () => {
    const stream = openConnection()
    stream.connection.release()
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
    stream.connection.release()
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

describe('S4 a stream that the server ends after use', () => {
  it.each<[string, Record<string, string>, string]>([
    ['that delivered an event', {}, 'retry: 1000\nid: 1\ndata: x\n\n'],
    ['that the server confirmed', { 'stream-resume': 'continue' }, 'retry: 1000\n\n'],
    ['that a Mercure hub confirmed', { 'mercure-last-event-id': '41' }, 'retry: 1000\n\n'],
  ])('comes back after about `retry:` each time, without growth: one %s', async (_, headers, text) => {
    const stream = openConnection()
    stream.log.setPosition('41')
    stream.connection.release()
    for (const [random, wait] of [
      [0, 500],
      [0.5, 1_000],
      [0.999, 1_499],
      [0.5, 1_000],
      [0.5, 1_000],
      [0.5, 1_000],
    ] as const) {
      const { body } = await stream.accept({
        ...headers,
        ...(headers['mercure-last-event-id'] && { 'mercure-last-event-id': stream.log.lastEventId() }),
      })
      body.push(text)
      await stream.platform.advance(0)
      stream.platform.setRandom(random)
      body.end()
      await stream.platform.advance(0)
      const { nextAttemptAt, attempt } = stream.connection.status()
      expect([attempt, nextAttemptAt! - stream.platform.now()]).toEqual([0, wait])
      await stream.platform.advance(wait)
    }
  })

  it.each<[string, string, (body: { end(): void; error(): void }) => void]>([
    ['that gave nothing', ': hello\n\n', (body) => body.end()],
    ['that gave an id alone', 'id: 1\n\n', (body) => body.end()],
    ['that broke', 'id: 1\ndata: x\n\n', (body) => body.error()],
  ])('is another thing than one %s, which backs off', async (_, text, end) => {
    const stream = openConnection()
    stream.connection.release()
    for (const wait of [500, 1_000, 2_000, 4_000]) {
      const { body } = await stream.accept()
      body.push(text)
      await stream.platform.advance(0)
      end(body)
      await stream.platform.advance(0)
      expect(stream.connection.status().nextAttemptAt).toBe(stream.platform.now() + wait)
      await stream.platform.advance(wait)
    }
  })
})

describe('S5 a wake from sleep', () => {
  it.each([
    [true, 'waiting'],
    [false, 'offline'],
  ])('does not break `Retry-After`, neither does `online` (online: %j)', async (online, state) => {
    const stream = openConnection()
    stream.platform.setOnline(online)
    stream.connection.release()
    ;(await stream.server.next()).answer(503, { 'retry-after': '120' })
    await stream.platform.advance(0)
    expect(stream.state()).toBe(state)
    const { nextAttemptAt } = stream.connection.status()
    // Asleep for 60 s, in which no timer runs.
    stream.platform.setClock(60_000)
    stream.connection.wake()
    stream.platform.setOnline(true)
    await stream.platform.advance(1_000)
    expect(stream.connection.status()).toMatchObject({ state: 'waiting', nextAttemptAt })
    expect(stream.server.requests).toHaveLength(1)
    await stream.platform.advance(nextAttemptAt! - stream.platform.now())
    await stream.accept()
  })

  it('tries at once what was to wait until a time that the machine slept over', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(503, { 'retry-after': '120' })
    await stream.platform.advance(0)
    stream.platform.setClock(600_000)
    stream.connection.wake()
    await stream.accept()
  })

  it('tries at once what waits', async () => {
    const stream = openConnection()
    stream.connection.release()
    ;(await stream.server.next()).answer(500)
    await stream.platform.advance(0)
    stream.connection.wake()
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('looks at once at the silence of a stream that stands', async () => {
    const stream = openConnection()
    const { request } = await stream.open()
    stream.platform.setClock(30_000)
    stream.connection.wake()
    expect(stream.connection.status()).toMatchObject({ state: 'open', health: 'degraded' })
    stream.platform.setClock(30_000)
    stream.connection.wake()
    await stream.platform.advance(0)
    expect(request.aborted()).toBe(true)
    expect(stream.connection.status()).toMatchObject({ state: 'waiting', error: { kind: 'stale' } })
  })

  it('leaves alone a stream that says something', async () => {
    const stream = openConnection()
    const { body } = await stream.open()
    stream.platform.setClock(30_000)
    body.push(':\n')
    await stream.platform.advance(0)
    stream.connection.wake()
    await stream.platform.advance(1_000)
    expect(stream.connection.status()).toMatchObject({ state: 'open', health: 'good' })
    expect(stream.server.requests).toHaveLength(1)
  })
})

describe('S1 an attempt that was given up', () => {
  it('opens nothing when its answer comes after all', async () => {
    const stream = openConnection()
    stream.connection.release()
    const request = await stream.server.next()
    request.stream()
    stream.connection.hold()
    await stream.platform.advance(1_000)
    expect(stream.state()).toBe('idle')
    expect(stream.states).toEqual(['connecting', 'idle'])
    expect(stream.metrics.snapshot(0).connectionsSuccessful).toBe(0)
  })

  it.each<[string, object, (stream: ReturnType<typeof openConnection>) => Promise<unknown>]>([
    ['for its silence', {}, ({ platform }) => platform.advance(40_000)],
    [
      'since it is another user’s',
      { auth: { exchange: null } },
      async ({ server, platform }) => {
        ;(await server.next()).stream({ 'stream-user': 'bob' })
        await platform.advance(0)
      },
    ],
  ])('%s is closed before the next request goes out', async (_, options, giveUp) => {
    const stream = openConnection(options)
    // No backoff keeps the two apart.
    stream.platform.setRandom(0)
    stream.connection.release()
    await stream.platform.advance(0)
    await giveUp(stream)
    const { length } = stream.server.requests
    await stream.platform.advance(CLOSE_GRACE - 1)
    expect(stream.server.requests).toHaveLength(length)
    await stream.platform.advance(1)
    expect(stream.server.requests).toHaveLength(length + 1)
  })
})
