import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenAnswer } from '../../../../src/shared/protocol.ts'
import { type CredentialsOptions, createCredentials } from '../../../../worker/auth/credentials.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { defer, settle } from '../../harness/turns.ts'

const EXCHANGE = 'https://example.test/token'

let platform: FakePlatform
let token: string
let asked: number
let user: string | undefined
let told: string[]

beforeEach(() => {
  platform = createFakePlatform()
  platform.setRandom(0)
  token = 'token-1'
  asked = 0
  user = undefined
  told = []
})

const create = (over: Partial<CredentialsOptions> = {}) =>
  createCredentials({
    platform,
    user: 'ann',
    auth: { exchange: EXCHANGE },
    withCredentials: false,
    proof: null,
    streamClient: async () => null,
    async askTab(judge) {
      asked++
      const answer: TokenAnswer = { ok: true, token }
      return judge(user === undefined ? answer : { ...answer, user })
    },
    onUnknownLife: (why) => void told.push(why),
    ...over,
  })
const direct = { auth: { exchange: null } }
const next = () => platform.server.next()
const requests = () => platform.server.requests.length
const grant = async (value: object = { sse_token: 'sse', expires_in: 600 }) => (await next()).json(value)
const REFUSED = { ok: false, reason: 'refused' }

describe('A2 a token that was refused is not sent again', () => {
  it('to the stream, until it changes; the application may be asked all the while', async () => {
    const credentials = create(direct)
    expect(await credentials.get()).toMatchObject({ ok: true })
    credentials.refused('refused')
    for (let times = 0; times < 5; times++) expect(await credentials.get()).toMatchObject(REFUSED)
    expect(asked).toBe(6)
    token = 'token-2'
    expect(await credentials.get()).toMatchObject({ headers: { authorization: 'Bearer token-2' } })
    // Two tabs may bring different ones by turns.
    credentials.refused('refused')
    for (token of ['token-1', 'token-2']) expect(await credentials.get()).toMatchObject(REFUSED)
  })

  it.each([401, 403])('to the token endpoint that answered %i', async (status) => {
    const credentials = create()
    const first = credentials.get()
    ;(await next()).answer(status)
    expect(await first).toMatchObject({ ...REFUSED, status })
    for (let times = 0; times < 5; times++) expect(await credentials.get()).toMatchObject(REFUSED)
    expect(requests()).toBe(1)
    token = 'token-2'
    const second = credentials.get()
    expect((await next()).headers.get('authorization')).toBe('Bearer token-2')
    credentials.close()
    await second
  })

  it('to the token endpoint, but once after 5 s, and then after a minute: the session may be too new for it', async () => {
    const credentials = create()
    const refuse = async () => {
      const got = credentials.get()
      ;(await next()).answer(401)
      expect(await got).toMatchObject(REFUSED)
    }
    await refuse()
    await platform.advance(4_999)
    expect(await credentials.get()).toMatchObject(REFUSED)
    await platform.advance(1)
    await refuse()
    await platform.advance(59_999)
    expect(await credentials.get()).toMatchObject(REFUSED)
    await platform.advance(1)
    const got = credentials.get()
    await grant()
    expect(await got).toMatchObject({ ok: true })
    expect(requests()).toBe(3)
  })

  it('until a minute has passed', async () => {
    const credentials = create(direct)
    await credentials.get()
    credentials.refused('refused')
    await platform.advance(59_999)
    expect(await credentials.get()).toMatchObject(REFUSED)
    await platform.advance(1)
    expect(await credentials.get()).toMatchObject({ ok: true })
  })

  it('until reconnect() is called', async () => {
    const credentials = create(direct)
    await credentials.get()
    credentials.refused('refused')
    expect(await credentials.get()).toMatchObject(REFUSED)
    credentials.forgive()
    expect(await credentials.get()).toMatchObject({ ok: true })
  })

  it('nor is a cookie that the browser sends by itself tried again within the minute', async () => {
    const credentials = create({ auth: null })
    expect(await credentials.get()).toMatchObject({ ok: true })
    credentials.refused('refused')
    expect(await credentials.get()).toMatchObject(REFUSED)
    await platform.advance(60_000)
    expect(await credentials.get()).toMatchObject({ ok: true })
    expect(asked).toBe(0)
  })

  it('is exchanged once more when its first SSE token is refused, and not when the second is', async () => {
    const credentials = create()
    for (let times = 0; times < 2; times++) {
      const got = credentials.get()
      await grant()
      expect(await got).toMatchObject({ ok: true })
      credentials.settled(false)
      credentials.refused('refused')
    }
    expect(await credentials.get()).toMatchObject(REFUSED)
    expect(requests()).toBe(2)
  })

  it('is exchanged again each time that a stream has opened with its SSE token before', async () => {
    const credentials = create()
    for (let times = 0; times < 4; times++) {
      const got = credentials.get()
      await grant()
      expect(await got).toMatchObject({ ok: true })
      credentials.settled(true)
      credentials.refused('refused')
    }
  })
})

describe('A2 a renewal ahead of expiry that fails', () => {
  it.each([503, 429, 401])(
    'with %i leaves the present token, and is tried again before its expiry',
    async (status) => {
      const credentials = create()
      const first = credentials.get()
      await grant({ sse_token: 'sse', expires_in: 600 })
      const { id } = (await first) as { id: number }
      await platform.advance(570_000)
      const renewed = credentials.get()
      ;(await next()).answer(status)
      expect(await renewed).toMatchObject({ ok: true, id, renewAt: platform.now() + 10_000 })
      token = 'token-2'
      await platform.advance(10_000)
      const again = credentials.get()
      await grant({ sse_token: 'sse-2', expires_in: 600 })
      expect(await again).toMatchObject({ headers: { authorization: 'Bearer sse-2' } })
    },
  )

  it('until the token has expired: then it is told', async () => {
    const credentials = create()
    const first = credentials.get()
    await grant()
    await first
    await platform.advance(600_000)
    const late = credentials.get()
    ;(await next()).answer(503)
    expect(await late).toMatchObject({ ok: false, reason: 'unavailable' })
  })
})

describe('A2 clocks that lie', () => {
  it('a life that nobody can tell: the token is kept until the server answers 401, and it is said once', async () => {
    const credentials = create()
    for (let times = 0; times < 3; times++) {
      const got = credentials.get()
      await grant({ sse_token: `sse-${times}`, expires_at: '2026-01-01T00:10:00' })
      expect(await got).toMatchObject({ ok: true, renewAt: null })
      credentials.settled(true)
      await platform.advance(3_600_000)
      expect(await credentials.get()).toMatchObject({ headers: { authorization: `Bearer sse-${times}` } })
      credentials.refused('refused')
    }
    expect(told).toEqual([expect.stringContaining('zone')])
  })

  it.each([0.001, 1, 9])(
    'of a token that lives %d s no more than one exchange in 10 s is made',
    async (life) => {
      const credentials = create()
      platform.server.handle((request) => request.json({ sse_token: 'sse', expires_in: life }))
      for (let ms = 0; ms < 60_000; ms += 500) {
        await credentials.get()
        credentials.settled(true)
        await platform.advance(500, 3)
      }
      expect(requests()).toBe(6)
      credentials.refused('refused')
      await credentials.get()
      expect(requests()).toBe(7)
    },
  )
})

describe('A3 a token of another user', () => {
  it('as the application says of its token, is not sent', async () => {
    user = 'bob'
    for (const over of [{}, direct])
      expect(await create(over).get()).toMatchObject({
        ...REFUSED,
        message: expect.stringMatching(/another user/),
      })
    expect(requests()).toBe(0)
    user = 'ann'
    expect(await create(direct).get()).toMatchObject({ ok: true })
  })

  it.each([
    ['in a header', { sse_token: 'sse' }],
    ['as a cookie', {}],
  ])('as the token endpoint says, is not used %s, nor asked for again', async (_, mode) => {
    const credentials = create()
    const got = credentials.get()
    await grant({ ...mode, expires_in: 600, user: 'bob' })
    expect(await got).toMatchObject({ ...REFUSED, message: expect.stringMatching(/another user/) })
    expect(await credentials.get()).toMatchObject(REFUSED)
    expect(requests()).toBe(1)
  })

  it.each([
    ['the same', 'ann', 'ann'],
    ['the same, as a number', '42', 42],
    ['nothing', 'ann', undefined],
    ['somebody, and the stream is everybody’s', null, 'bob'],
  ])('is none where the endpoint says %s', async (_, ours, theirs) => {
    const got = create({ user: ours }).get()
    await grant({ sse_token: 'sse', expires_in: 600, user: theirs })
    expect(await got).toMatchObject({ ok: true })
  })

  it('tells whose cookie it has replaced, who exchanges anew', async () => {
    const bobs = create({ user: 'bob' })
    const bob = bobs.get()
    await grant({ expires_in: 600 })
    await bob
    bobs.settled(true)
    const ann = create().get()
    await grant({ expires_in: 600, user: 'bob' })
    expect(await ann).toMatchObject(REFUSED)
    await settle()
    void bobs.get()
    await next()
  })
})

describe('A4 after close() nothing is sent, brought or kept', () => {
  it.each<[string, (closing: () => void) => Promise<unknown>]>([
    [
      'while a tab is asked',
      async (closing) => {
        const answer = defer<TokenAnswer>()
        const credentials = create({ askTab: () => answer.promise })
        const got = credentials.get()
        credentials.close()
        closing()
        answer.resolve({ ok: true, token })
        return got
      },
    ],
    [
      'while it waits for its turn',
      async (closing) => {
        const free = platform.locks.hold(`tabstream:exchange:${EXCHANGE}`)
        const credentials = create()
        const got = credentials.get()
        await settle()
        credentials.close()
        closing()
        free()
        return got
      },
    ],
    [
      'while the log is read for the name of the client',
      async (closing) => {
        const name = defer<string>()
        const credentials = create({ streamClient: () => name.promise })
        const got = credentials.get()
        await settle()
        credentials.close()
        closing()
        name.resolve('client')
        return got
      },
    ],
  ])('%s', async (_, run) => {
    let before = -1
    const got = await run(() => {
      before = requests()
    })
    expect(got).toMatchObject({ ok: false })
    await platform.advance(60_000)
    expect([before, requests()]).toEqual([0, 0])
    expect(platform.locks.held()).toEqual([])
    expect(platform.timers()).toBe(0)
  })

  it('while an exchange is under way: it is broken off, and its cookie is nobody’s', async () => {
    const credentials = create()
    const got = credentials.get()
    const request = await next()
    credentials.close()
    expect(request.aborted()).toBe(true)
    expect(await got).toMatchObject({ ok: false })
    await settle()
    expect(platform.locks.held()).toEqual([])
    expect(await credentials.get()).toMatchObject({ ok: false })
    expect(requests()).toBe(1)
  })

  it('one exchange that is late does not break off the next one', async () => {
    const credentials = create()
    const first = credentials.get()
    ;(await next()).answer(503)
    await first
    await platform.advance(15_000)
    void credentials.get()
    const second = await next()
    await platform.advance(19_999)
    expect(second.aborted()).toBe(false)
    credentials.close()
  })
})

describe('A3 a cookie that was fetched ahead', () => {
  it('keeps no turn when no attempt comes for it: a hub that gives way holds nobody up', async () => {
    const credentials = create()
    credentials.prepare()
    await grant({ expires_in: 600 })
    await settle()
    expect(platform.locks.isHeld(`tabstream:exchange:${EXCHANGE}`)).toBe(false)
    credentials.close()
  })

  it('keeps the turn for the attempt that has come meanwhile', async () => {
    const credentials = create()
    credentials.prepare()
    const got = credentials.get()
    await grant({ expires_in: 600 })
    await got
    await settle()
    expect(requests()).toBe(1)
    expect(platform.locks.isHeld(`tabstream:exchange:${EXCHANGE}`)).toBe(true)
    credentials.settled(true)
    await settle()
    expect(platform.locks.isHeld(`tabstream:exchange:${EXCHANGE}`)).toBe(false)
  })
})
