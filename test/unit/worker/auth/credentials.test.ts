import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenAnswer } from '../../../../src/shared/protocol.ts'
import { type CredentialsOptions, createCredentials } from '../../../../worker/auth/credentials.ts'
import { createFakePlatform, type FakePlatform, START } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

const EXCHANGE = 'https://example.test/token'
const SECRET = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'
const MINUTE = 60_000
const date = (ms: number) => new Date(ms).toUTCString()
const iso = (ms: number) => new Date(ms).toISOString()

describe('A2 the credential of an attempt', () => {
  let platform: FakePlatform
  let asked: number
  let answer: TokenAnswer

  beforeEach(() => {
    platform = createFakePlatform()
    platform.setRandom(0)
    asked = 0
    answer = { ok: true, token: SECRET }
  })

  const create = (over: Partial<CredentialsOptions> = {}) =>
    createCredentials({
      platform,
      user: 'ann',
      auth: { exchange: EXCHANGE },
      withCredentials: false,
      proof: null,
      streamClient: async () => null,
      askTab: async (judge) => {
        asked++
        return judge(answer)
      },
      onUnknownLife: () => {},
      ...over,
    })
  const exchanged = async (value: unknown, headers: Record<string, string> = {}, over = {}) => {
    const credentials = create(over)
    const credential = credentials.get()
    ;(await platform.server.next()).json(value, headers)
    return { credentials, credential: await credential }
  }
  const valid = () => ({ sse_token: 'sse-secret', expires_at: iso(platform.now() + 10 * MINUTE) })

  it('without `auth` is what the browser sends anyway, and asks nobody', async () => {
    const none = { ok: true, id: 1, headers: {}, renewAt: null }
    expect(await create({ auth: null }).get()).toEqual({ ...none, credentials: 'same-origin' })
    expect(await create({ auth: null, withCredentials: true }).get()).toEqual({
      ...none,
      credentials: 'include',
    })
    expect(asked).toBe(0)
    expect(platform.server.requests).toHaveLength(0)
  })

  it('without a token endpoint is the access token itself', async () => {
    expect(await create({ auth: { exchange: null } }).get()).toEqual({
      ok: true,
      id: 1,
      headers: { authorization: `Bearer ${SECRET}` },
      credentials: 'same-origin',
      renewAt: null,
    })
  })

  it('R5 posts the access token in a header, never in the URL, and follows no redirect', async () => {
    void create({ withCredentials: true }).get()
    const { url, init, headers } = await platform.server.next()
    expect(url).toBe(EXCHANGE)
    expect(init).toMatchObject({
      method: 'POST',
      redirect: 'manual',
      cache: 'no-store',
      credentials: 'include',
    })
    expect(init.body).toBeUndefined()
    expect(headers.get('authorization')).toBe(`Bearer ${SECRET}`)
  })

  it('R5 in header mode puts the SSE token into the Authorization header', async () => {
    const { credential } = await exchanged(valid())
    expect(credential).toMatchObject({ ok: true, headers: { authorization: 'Bearer sse-secret' } })
  })

  it('R5 in cookie mode carries no header: no script sees the token', async () => {
    const { credential } = await exchanged({ expires_at: iso(platform.now() + 10 * MINUTE) })
    expect(credential).toMatchObject({ ok: true, headers: {} })
  })

  it('is obtained once for 20 who ask at the same time', async () => {
    const credentials = create()
    const all = Promise.all(Array.from({ length: 20 }, () => credentials.get()))
    const request = await platform.server.next()
    await settle()
    expect(asked).toBe(1)
    request.json(valid())
    expect(new Set(await all).size).toBe(1)
    expect(platform.server.requests).toHaveLength(1)
  })

  it('is obtained once again by 20 who ask at its expiry', async () => {
    const { credentials } = await exchanged(valid())
    await platform.advance(10 * MINUTE)
    const all = Promise.all(Array.from({ length: 20 }, () => credentials.get()))
    ;(await platform.server.next()).json(valid())
    await all
    expect(platform.server.requests).toHaveLength(2)
  })

  it('is kept until it is to be renewed, 30 s ahead of its expiry', async () => {
    const { credentials, credential } = await exchanged(valid())
    expect(credential).toMatchObject({ renewAt: START + 10 * MINUTE - 30_000 })
    await platform.advance(10 * MINUTE - 30_001)
    expect(await credentials.get()).toBe(credential)
    await platform.advance(1)
    void credentials.get()
    await platform.server.next()
    expect(asked).toBe(2)
  })

  it.each([
    ['a short life: a fifth of it ahead', iso(START + MINUTE), MINUTE - 12_000],
    ['seconds since 1970', (START + 10 * MINUTE) / 1_000, 10 * MINUTE - 30_000],
    [
      'a life of less than 10 s: no exchange comes sooner unless a 401 asks for it',
      iso(START + 5_000),
      10_000,
    ],
  ])('reads the expiry: %s', async (_, expires_at, after) => {
    const { credential } = await exchanged({ expires_at })
    expect(credential).toMatchObject({ renewAt: START + after })
  })

  it.each([-3 * 60 * MINUTE, 2 * 24 * 60 * MINUTE])(
    "counts by the server's clock, %i ms from the device's",
    async (skew) => {
      const server = START + skew
      const { credential } = await exchanged(
        { expires_at: iso(server + 10 * MINUTE) },
        { date: date(server) },
      )
      expect(credential).toMatchObject({ renewAt: START + 10 * MINUTE - 30_000 })
    },
  )

  it('is renewed up to a tenth of that earlier, so that many do not come at once', async () => {
    platform.setRandom(0.5)
    const { credential } = await exchanged(valid())
    expect(credential).toMatchObject({ renewAt: START + 10 * MINUTE - 31_500 })
  })

  it("counts by the device's clock where both agree to 2 s, since `Date` has whole seconds", async () => {
    const headers = { date: date(START - 1_000) }
    const { credential } = await exchanged({ expires_at: iso(START + 10 * MINUTE) }, headers)
    expect(credential).toMatchObject({ renewAt: START + 10 * MINUTE - 30_000 })
  })

  it('is obtained anew once it is forgotten', async () => {
    const { credentials } = await exchanged(valid())
    credentials.refused('refused')
    void credentials.get()
    await platform.server.next()
    expect(asked).toBe(2)
  })
})
