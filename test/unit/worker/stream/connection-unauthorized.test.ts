import { describe, expect, it } from 'vitest'
import { openConnection } from '../../harness/connection.ts'

const AUTH = { auth: { exchange: null } }
type Stream = ReturnType<typeof openConnection>

/** One whose token the server has refused. */
const refuse = async (stream: Stream) => {
  stream.connection.release()
  ;(await stream.server.next()).answer(401)
  await stream.platform.advance(0)
  expect(stream.state()).toBe('unauthorized')
  expect(stream.server.requests).toHaveLength(1)
}

describe('S6 `unauthorized` is not the end', () => {
  it('the credentials are asked again after 1 s, then ever later, at most 60 s, and no request goes out', async () => {
    const stream = openConnection(AUTH, { token: () => 'refused' })
    await refuse(stream)
    const asked: number[] = []
    const begin = stream.platform.now()
    for (let second = 0; second < 240; second++) {
      const before = stream.tokens()
      await stream.platform.advance(1_000)
      if (stream.tokens() > before) asked.push((stream.platform.now() - begin) / 1_000)
      // A minute after the refusal the token is tried once more.
      if (stream.server.waiting() > 0) break
    }
    expect(asked.slice(0, 5)).toEqual([1, 3, 7, 15, 31])
    expect(new Set(stream.states)).toEqual(new Set(['connecting', 'waiting', 'unauthorized', 'connecting']))
  })

  it('a token that is there in a while opens the stream', async () => {
    let token = 'early'
    const stream = openConnection(AUTH, { token: () => token })
    await refuse(stream)
    await stream.platform.advance(2_000)
    token = 'good'
    await stream.platform.advance(1_000)
    const { request } = await stream.accept()
    expect(request.headers.get('authorization')).toBe('Bearer good')
    expect(stream.connection.status()).toMatchObject({ state: 'open', error: null })
  })

  it.each<[string, (stream: Stream) => void]>([
    ['a tab is looked at', ({ connection }) => connection.nudge()],
    ['a tab comes', ({ connection }) => connection.welcome()],
    ['the machine wakes', ({ connection }) => connection.wake()],
    ['the browser is online', ({ platform }) => platform.setOnline(true)],
    ['somebody calls reconnect()', ({ connection }) => connection.retry()],
  ])('they are asked at once when %s', async (_, happen) => {
    let token = 'early'
    const stream = openConnection(AUTH, { token: () => token })
    await refuse(stream)
    await stream.platform.advance(20_000)
    token = 'good'
    happen(stream)
    expect((await stream.server.next()).headers.get('authorization')).toBe('Bearer good')
  })

  it('a time that the token endpoint names holds when a tab is looked at', async () => {
    let token = 'early'
    const stream = openConnection({ auth: { exchange: 'https://app.test/token' } }, { token: () => token })
    stream.connection.release()
    ;(await stream.server.next()).answer(401)
    await stream.platform.advance(0)
    expect(stream.state()).toBe('unauthorized')
    token = 'later'
    stream.connection.nudge()
    ;(await stream.server.next()).answer(429, { 'retry-after': '30' })
    await stream.platform.advance(0)
    for (let second = 0; second < 30; second++) {
      stream.connection.nudge()
      await stream.platform.advance(999)
    }
    expect(stream.server.waiting()).toBe(0)
    await stream.platform.advance(31)
    stream.connection.nudge()
    expect((await stream.server.next()).url).toBe('https://app.test/token')
  })

  it('does not flicker while the token is the one that was refused', async () => {
    const stream = openConnection(AUTH, { token: () => 'refused' })
    await refuse(stream)
    const { length } = stream.states
    for (let look = 0; look < 5; look++) {
      stream.connection.nudge()
      await stream.platform.advance(5_000)
    }
    expect(stream.states).toHaveLength(length)
    expect(stream.server.requests).toHaveLength(1)
    expect(stream.errors).toHaveLength(1)
  })

  it('nobody hammers a server that refuses a new token each time', async () => {
    const stream = openConnection(AUTH)
    stream.server.handle((request) => request.answer(401))
    stream.connection.release()
    await stream.platform.advance(3_600_000)
    expect(stream.state()).toBe('unauthorized')
    expect(stream.server.requests.length).toBeGreaterThan(60)
    expect(stream.server.requests.length).toBeLessThan(75)
  })

  it('without `auth` the server is asked again once a minute, and at once when a tab is looked at', async () => {
    const stream = openConnection()
    await refuse(stream)
    await stream.platform.advance(59_000)
    expect(stream.server.requests).toHaveLength(1)
    await stream.platform.advance(31_000)
    ;(await stream.server.next()).answer(401)
    await stream.platform.advance(1_000)
    expect([stream.state(), stream.server.requests.length]).toEqual(['unauthorized', 2])
    stream.connection.nudge()
    await stream.accept()
    expect(stream.state()).toBe('open')
  })

  it('asks nobody any more once it is held', async () => {
    const stream = openConnection(AUTH, { token: () => 'refused' })
    await refuse(stream)
    stream.connection.hold()
    expect(stream.platform.timers()).toBe(0)
  })
})

describe('S6 a page instead of the stream, with a token', () => {
  const page = (request: { answer(status: number, headers: Record<string, string>): void }) =>
    request.answer(200, { 'content-type': 'text/html' })

  it('the stream is tried at once when there is another token, and not while there is none', async () => {
    let token = 'lapsed'
    const stream = openConnection(AUTH, { token: () => token })
    stream.connection.release()
    for (let attempt = 1; attempt <= 8; attempt++) {
      page(await stream.server.next())
      await stream.platform.advance(0)
      await stream.platform.advance(
        attempt < 8 ? stream.connection.status().nextAttemptAt! - stream.platform.now() : 0,
      )
    }
    const { nextAttemptAt } = stream.connection.status()
    expect(nextAttemptAt! - stream.platform.now()).toBe(64_000)
    await stream.platform.advance(3_000)
    expect([stream.state(), stream.server.waiting()]).toEqual(['waiting', 0])
    token = 'new'
    await stream.platform.advance(4_000)
    const { request } = await stream.accept()
    expect(request.headers.get('authorization')).toBe('Bearer new')
  })

  it('the tabs are asked for one seldom, and nobody once the stream is held', async () => {
    const stream = openConnection(AUTH, { token: () => 'lapsed' })
    stream.connection.release()
    page(await stream.server.next())
    await stream.platform.advance(0)
    stream.connection.hold()
    expect(stream.platform.timers()).toBe(0)
  })
})
