import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenAnswer } from '../../../src/shared/protocol.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { settle, until } from '../harness/turns.ts'

const AUTH = { auth: { exchange: null } }
const SECRET = 'very-secret-token'

describe('A2 the token is asked of a live tab', () => {
  let test: TestHub

  beforeEach(() => {
    test = openHub()
  })
  afterEach(() => test.close())

  type Answer = () => TokenAnswer | Promise<TokenAnswer>
  /** A token that the application refreshes each time: `first`, `first-2`, ... */
  const give = (name: string) => {
    let times = 0
    return () => ({ ok: true as const, token: ++times === 1 ? name : `${name}-${times}` })
  }
  const refuse = (message: string) => () => ({ ok: false as const, message })

  /** A tab that answers otherwise each time it is asked, and as the last time from then on. */
  const open = (visible: boolean, ...answers: Answer[]) =>
    openTab(test, {
      hello: { visible },
      options: AUTH,
      accessToken: () => (answers.length > 1 ? answers.shift()! : answers[0]!)(),
    })
  const asks = async () => {
    const request = await test.platform.server.next()
    return { request, bearer: request.headers.get('authorization') }
  }
  /** The server refuses the token, and both tabs are there to be asked for the next. */
  const refused = async () => {
    const { request } = await asks()
    request.answer(401)
    await test.platform.advance(0)
  }

  const wind = async (seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) await test.platform.advance(100)
  }

  it('once, whatever the number of tabs', async () => {
    const first = await open(true, give('t1'))
    await until(() => first.asked() === 1)
    const second = await open(true, give('t2'))
    const { request, bearer } = await asks()
    expect(bearer).toBe('Bearer t1')
    request.stream()
    await until(() => second.status()?.state === 'open')
    expect([first.asked(), second.asked()]).toEqual([1, 0])
  })

  it('the visible ones first', async () => {
    await open(true, give('first'))
    await open(false, give('second'))
    await refused()
    expect((await asks()).bearer).toBe('Bearer first-2')
  })

  it('and of the visible ones the newest', async () => {
    await open(true, give('first'))
    await open(true, give('second'))
    await refused()
    expect((await asks()).bearer).toBe('Bearer second-2')
  })

  it('as they are at that moment', async () => {
    const first = await open(true, give('first'))
    await until(() => first.asked() === 1)
    const second = await open(false, give('second'))
    await first.hub.visible(false)
    await second.hub.visible(true)
    await refused()
    expect((await asks()).bearer).toBe('Bearer second')
    expect(second.asked()).toBe(1)
  })

  it('of the hidden ones the one that was looked at last', async () => {
    const first = await open(true, give('first'))
    const second = await open(true, give('second'))
    await open(false, give('third'))
    await second.hub.visible(false)
    await test.platform.advance(1_000)
    await first.hub.visible(false)
    await refused()
    expect((await asks()).bearer).toBe('Bearer first-2')
  })

  it('of the visible ones the one that came into view last', async () => {
    const first = await open(true, give('first'))
    await open(true, give('second'))
    await first.hub.visible(false)
    await test.platform.advance(1_000)
    await first.hub.visible(true)
    await refused()
    expect((await asks()).bearer).toBe('Bearer first')
  })

  it('401 twice is `unauthorized`, told once; the stream comes back by itself with the next tab', async () => {
    const tab = await open(true, give('old'))
    await refused()
    await refused()
    await until(() => tab.status()?.state === 'unauthorized')
    test.platform.server.handle(({ headers, answer }) => {
      if (headers.get('authorization')?.includes('old')) answer(401)
    })
    await test.platform.advance(600_000)
    expect(tab.errors).toEqual([expect.objectContaining({ kind: 'auth', status: 401, retryable: true })])
    // It has another token each time it is asked, hence at most once a minute in the end.
    expect(tab.asked()).toBeLessThan(20)
    while (test.platform.server.waiting() > 0) await test.platform.server.next()
    await open(true, give('new'))
    const { request, bearer } = await asks()
    expect(bearer).toBe('Bearer new')
    request.stream()
    await until(() => tab.status()?.state === 'open')
    expect(tab.errors).toHaveLength(1)
  })

  it('20 tabs at the moment of expiry are one exchange', async () => {
    const options = { auth: { exchange: 'https://app.test/token' }, heartbeat: { timeout: 1e9, misses: 1 } }
    test.platform.server.handle((request) => {
      if (request.url.endsWith('/stream')) return request.stream()
      request.json({ sse_token: 'sse', expires_at: new Date(test.platform.now() + 60_000) })
    })
    const tabs = await Promise.all(
      Array.from({ length: 20 }, () => openTab(test, { options, accessToken: give('access') })),
    )
    const open = () => tabs.every((tab) => tab.status()?.state === 'open')
    await until(open)
    await test.platform.advance(60_000)
    for (const tab of tabs) void tab.hub.reconnect()
    await test.platform.advance(1_000)
    await until(open)
    const exchanges = test.platform.server.requests.filter(({ url }) => url.endsWith('/token'))
    expect(exchanges).toHaveLength(2)
    expect(tabs.reduce((sum, tab) => sum + tab.asked(), 0)).toBe(2)
  })

  it('a life of the token that nobody can tell is told once, to every tab, as an error that names the mend', async () => {
    const options = { auth: { exchange: 'https://app.test/token' } }
    let answer = () => {}
    test.platform.server.handle((request) => {
      if (request.url.endsWith('/stream')) return request.stream()
      answer = () => request.json({ sse_token: 'sse', expires_at: '2026-01-01T00:10:00' })
    })
    const tabs = [await openTab(test, { options }), await openTab(test, { options })]
    // The token endpoint answers once both tabs are there to hear of it.
    await until(() => test.platform.server.requests.length === 1)
    answer()
    for (const tab of tabs) {
      await until(() => tab.status()?.state === 'open' && tab.errors.length > 0)
      expect(tab.errors).toEqual([
        expect.objectContaining({ kind: 'auth', retryable: true, message: expect.stringContaining('zone') }),
      ])
    }
  })

  it.each<[string, Answer]>([
    ['has none', refuse('not here')],
    ['fails', () => Promise.reject(new Error('thrown'))],
  ])('the next one when the first %s', async (_, answer) => {
    const first = await open(true, give('first'), answer)
    await open(false, give('second'))
    await refused()
    expect((await asks()).bearer).toBe('Bearer second')
    expect(first.asked()).toBe(2)
  })

  it('the next one when the first does not answer within 20 s', async () => {
    const first = await open(true, give('first'), () => new Promise<TokenAnswer>(() => {}))
    const second = await open(false, give('second'))
    await refused()
    await until(() => first.asked() === 2)
    await test.platform.advance(19_999)
    expect(second.asked()).toBe(0)
    await test.platform.advance(1)
    expect((await asks()).bearer).toBe('Bearer second')
  })

  it('and the application is not asked again while it has yet to answer', async () => {
    const tab = await open(true, () => new Promise<TokenAnswer>(() => {}))
    await until(() => tab.asked() === 1)
    await wind(60)
    expect(tab.errors.filter(({ kind }) => kind === 'auth').length).toBeGreaterThan(1)
    expect(tab.asked()).toBe(1)
  })

  it('the next one after 3 s when the first answers nothing at all', async () => {
    const first = await open(true, give('first'))
    const { request } = await asks()
    request.stream()
    await until(() => first.status()?.state === 'open')
    const second = await open(false, give('second'))
    first.fallSilent()
    await second.hub.reconnect()
    // First the 100 ms between two streams (S1).
    await wind(3.1)
    expect((await asks()).bearer).toBe('Bearer second')
    expect([first.asked(), second.asked()]).toEqual([1, 1])
  })

  it('one of another hub, which takes the stream over, when none here answers', async () => {
    const other = openHub(test.platform)
    const silent = await open(true, give('first'))
    const { request } = await asks()
    const body = request.stream()
    const speaks = await openTab(other, { options: AUTH, accessToken: give('second') })
    await wind(2)
    expect(speaks.status()).toMatchObject({ state: 'open', role: 'follower' })
    silent.fallSilent()
    body.end()
    await wind(6)
    expect((await asks()).bearer).toBe('Bearer second')
    expect(speaks.errors.filter(({ kind }) => kind === 'auth')).toEqual([])
    await other.close()
  })

  it('nor is the stream given to another hub when the application has no token here', async () => {
    const other = openHub(test.platform)
    const first = await open(true, give('first'), refuse('logged out'))
    const { request } = await asks()
    const body = request.stream()
    const second = await openTab(other, { options: AUTH, accessToken: give('second') })
    await wind(2)
    expect(second.status()).toMatchObject({ state: 'open', role: 'follower' })
    body.end()
    await wind(6)
    expect(first.status()?.state).toBe('unauthorized')
    expect(second.asked()).toBe(0)
    await other.close()
  })

  it('the next one at once when the first dies while it is asked', async () => {
    const first = await open(true, give('first'), () => new Promise<TokenAnswer>(() => {}))
    await open(false, give('second'))
    await refused()
    await until(() => first.asked() === 2)
    first.die()
    expect((await asks()).bearer).toBe('Bearer second')
  })

  it('one that comes meanwhile as well, when the only one dies while it is asked: no error is told of', async () => {
    const first = await open(true, () => new Promise<TokenAnswer>(() => {}))
    await until(() => first.asked() === 1)
    const second = await open(true, give('second'))
    first.die()
    expect((await asks()).bearer).toBe('Bearer second')
    expect(second.errors).toEqual([])
  })

  it('and when none is left, the next that comes, though it be in a second: that is no refusal', async () => {
    const first = await open(true, () => new Promise<TokenAnswer>(() => {}))
    await until(() => first.asked() === 1)
    first.die()
    await settle()
    const second = await open(true, give('second'))
    expect((await asks()).bearer).toBe('Bearer second')
    expect(second.errors).toEqual([])
  })

  it('and the stream is `unauthorized` when no tab has one, until a tab brings one', async () => {
    const tab = await openTab(test, { options: AUTH, accessToken: refuse('getAccessToken failed.') })
    await until(() => tab.status()?.state === 'unauthorized')
    expect(tab.errors).toEqual([
      expect.objectContaining({ kind: 'auth', message: 'getAccessToken failed.', retryable: true }),
    ])
    expect(test.platform.server.requests).toHaveLength(0)
    await openTab(test, { options: AUTH, accessToken: give('brought') })
    expect((await test.platform.server.next()).headers.get('authorization')).toBe('Bearer brought')
  })

  it('A1 neither inspect() nor metrics() nor a status nor an error holds a credential', async () => {
    const options = { auth: { exchange: 'https://app.test/token' } }
    const tab = await openTab(test, { options, accessToken: give(SECRET) })
    const exchange = await test.platform.server.next()
    expect(exchange.headers.get('authorization')).toBe(`Bearer ${SECRET}`)
    exchange.json({ sse_token: `sse-${SECRET}`, expires_at: new Date(test.platform.now() + 600_000) })
    const stream = await test.platform.server.next()
    expect(stream.headers.get('authorization')).toBe(`Bearer sse-${SECRET}`)
    stream.answer(500, {}, SECRET)
    await until(() => tab.errors.length === 1)
    const shown = [await tab.hub.inspect(), await tab.hub.metrics(), tab.welcome, tab.statuses, tab.errors]
    expect(JSON.stringify(shown)).not.toContain(SECRET)
  })

  it('inspect() tells what people need: the log, the sessions, the status', async () => {
    const tab = await openTab(test)
    const body = (await test.platform.server.next()).stream()
    body.push('id: 1\ndata: a private thing\n\n')
    await until(() => tab.ids().length === 1)
    await until(() => tab.status()?.state === 'open')
    await settle()
    const inspection = await tab.hub.inspect()
    expect(inspection).toMatchObject({
      protocol: 2,
      incarnation: 'uuid-1',
      key: 'tabstream:ann@https://app.test/stream',
      status: { state: 'open', lastEventId: '1', tabs: 1 },
      log: { first: 1, head: 1, durable: true, lastEventId: '1' },
      sessions: [
        {
          tab: tab.tab,
          cursor: { seq: 1 },
          lag: 0,
          follows: { types: '*', topics: {} },
          state: 'idle',
          visible: true,
        },
      ],
    })
    expect(JSON.stringify(inspection)).not.toContain('private')
  })
})
