import { beforeEach, describe, expect, it } from 'vitest'
import { createCredentials } from '../../../../worker/auth/credentials.ts'
import { openHub, openTab } from '../../harness/hub.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import type { FakeRequest } from '../../harness/server.ts'
import { settle, until } from '../../harness/turns.ts'

const EXCHANGE = 'https://example.test/token'

describe('A3 users of one browser, whose one cookie is replaced by each exchange', () => {
  let platform: FakePlatform

  beforeEach(() => {
    platform = createFakePlatform()
  })

  const create = (name: string, exchange = EXCHANGE) =>
    createCredentials({
      platform,
      user: 'ann',
      auth: { exchange },
      withCredentials: false,
      proof: null,
      streamClient: async () => null,
      askTab: async () => ({ ok: true, token: name }),
      onUnknownLife: () => {},
    })
  const who = (request: FakeRequest) => request.headers.get('authorization')?.slice('Bearer '.length)
  const give = (request: FakeRequest, token?: string) =>
    request.json({ sse_token: token, expires_at: new Date(platform.now() + 600_000) })
  const next = () => platform.server.next()

  it('come one after the other: the next exchange waits until the stream of the one before is answered', async () => {
    const [ann, bob] = [create('ann'), create('bob')]
    const anns = ann.get()
    const bobs = bob.get()
    const first = await next()
    give(first)
    expect(await anns).toMatchObject({ ok: true, headers: {} })
    await settle()
    expect(platform.server.waiting()).toBe(0)
    ann.settled(true)
    const second = await next()
    expect([who(first), who(second)]).toEqual(['ann', 'bob'])
    give(second)
    expect(await bobs).toMatchObject({ ok: true })
  })

  it('of 10 at once each finds its own cookie when it opens', async () => {
    let cookie: string | undefined
    platform.server.handle((request) => {
      void settle(5).then(() => {
        cookie = who(request)
        give(request)
      })
    })
    const names = Array.from({ length: 10 }, (_, at) => `user-${at}`)
    const opened = await Promise.all(
      names.map(async (name) => {
        const credentials = create(name)
        await credentials.get()
        await settle(5)
        const sent = cookie
        credentials.settled(true)
        return sent
      }),
    )
    expect(opened).toEqual(names)
  })

  it('know when another has replaced the cookie, and exchange anew before they open', async () => {
    const [ann, bob] = [create('ann'), create('bob')]
    for (const each of [ann, bob]) {
      const got = each.get()
      give(await next())
      await got
      each.settled(true)
    }
    await settle()
    const again = ann.get()
    expect(who(await next())).toBe('ann')
    ann.close()
    await again
    await bob.get()
    bob.settled(true)
  })

  it('keep the cookie that nobody has replaced, over reconnections', async () => {
    const ann = create('ann')
    const got = ann.get()
    give(await next())
    const first = await got
    for (let times = 0; times < 3; times++) {
      ann.settled(true)
      expect(await ann.get()).toBe(first)
    }
    expect(platform.server.requests).toHaveLength(1)
  })

  it('come one after the other also where one still has its cookie: until its stream is answered', async () => {
    const [ann, bob] = [create('ann'), create('bob')]
    const got = ann.get()
    give(await next())
    await got
    ann.settled(true)
    await ann.get()
    void bob.get()
    await settle()
    expect(platform.server.waiting()).toBe(0)
    ann.settled(true)
    expect(who(await next())).toBe('bob')
  })

  it.each<[string, (request: FakeRequest) => void]>([
    ['opens', (request) => request.stream()],
    ['is refused', (request) => request.answer(403)],
  ])('follow at once when the stream %s', async (_, answer) => {
    const options = { auth: { exchange: 'https://app.test/token' } }
    const hub = openHub(platform)
    const bobs = openHub(platform)
    const accessToken = (token: string) => () => ({ ok: true as const, token })
    await openTab(hub, { options, accessToken: accessToken('ann') })
    const exchange = await next()
    give(exchange)
    const opening = await next()
    await openTab(bobs, { options: { ...options, user: 'bob' }, accessToken: accessToken('bob') })
    await settle()
    expect(platform.server.waiting()).toBe(0)
    answer(opening)
    expect(who(await next())).toBe('bob')
    await hub.close()
    await bobs.close()
  })

  it('wait for a stream that is not answered for 5 s at most', async () => {
    const [ann, bob] = [create('ann'), create('bob')]
    const got = ann.get()
    void bob.get()
    give(await next())
    await got
    await platform.advance(4_900)
    expect(platform.server.waiting()).toBe(0)
    await platform.advance(200)
    expect(who(await next())).toBe('bob')
  })

  it('wait for a worker that is frozen in its turn for 10 s at most', async () => {
    platform.locks.hold(`tabstream:exchange:${EXCHANGE}`)
    void create('bob').get()
    await platform.advance(9_900)
    expect(platform.server.waiting()).toBe(0)
    await platform.advance(200)
    expect(who(await next())).toBe('bob')
  })

  it('do not wait where a token goes into a header, or after an exchange that failed', async () => {
    const [ann, bob, eve] = [create('ann'), create('bob'), create('eve')]
    void ann.get()
    void bob.get()
    void eve.get()
    give(await next(), 'sse-token')
    await until(() => platform.server.waiting() === 1)
    ;(await next()).answer(503)
    expect(who(await next())).toBe('eve')
  })

  it('do not wait for those of another token endpoint', async () => {
    void create('ann').get()
    void create('bob', 'https://other.test/token').get()
    expect([who(await next()), who(await next())]).toEqual(['ann', 'bob'])
  })
})
