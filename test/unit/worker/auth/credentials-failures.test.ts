import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenAnswer } from '../../../../src/shared/protocol.ts'
import { type CredentialsOptions, createCredentials } from '../../../../worker/auth/credentials.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

const EXCHANGE = 'https://example.test/token'
const SECRET = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'
const MINUTE = 60_000
const iso = (ms: number) => new Date(ms).toISOString()

describe('A2 a credential that cannot be had', () => {
  let platform: FakePlatform
  let answer: TokenAnswer

  beforeEach(() => {
    platform = createFakePlatform()
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
      askTab: async (judge) => judge(answer),
      onUnknownLife: () => {},
      ...over,
    })
  const valid = () => ({ sse_token: 'sse-secret', expires_at: iso(platform.now() + 10 * MINUTE) })

  it.each([
    [401, 'refused'],
    [403, 'refused'],
    [429, 'limited'],
    [404, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('S6 the token endpoint answers %i: %s', async (status, reason) => {
    const credential = create().get()
    ;(await platform.server.next()).answer(status, { 'retry-after': '4' }, SECRET)
    expect(await credential).toMatchObject({ ok: false, reason, status })
    if (reason !== 'refused') expect(await credential).toMatchObject({ retryAfter: 4_000 })
    expect(JSON.stringify(await credential)).not.toContain(SECRET)
  })

  it('is not kept when it failed: the next who asks tries again', async () => {
    const credentials = create()
    const first = credentials.get()
    ;(await platform.server.next()).answer(503)
    expect(await first).toMatchObject({ ok: false })
    const second = credentials.get()
    ;(await platform.server.next()).json(valid())
    expect(await second).toMatchObject({ ok: true })
  })

  it('is refused when no tab has a token, unavailable when one may have it in a while, in the words of the tab', async () => {
    for (const again of [undefined, true] as const) {
      answer = { ok: false, message: 'no token', ...(again === undefined ? {} : { again }) }
      const reason = again ? 'unavailable' : 'refused'
      expect(await create().get()).toMatchObject({ ok: false, reason, message: 'no token' })
    }
    expect(platform.server.requests).toHaveLength(0)
  })

  it.each<[string, (request: Awaited<ReturnType<FakePlatform['server']['next']>>) => void]>([
    ['a network error that quotes the token', (request) => request.fail(`invalid header ${SECRET}`)],
    ['a redirect', (request) => request.redirect()],
    ['an answer without token and expiry', (request) => request.json({ token: SECRET })],
    [
      'a token that no header can carry',
      (request) => request.json({ sse_token: `${SECRET}\n`, expires_in: 60 }),
    ],
    ['an answer that is not JSON', (request) => request.answer(200, {}, `<html>${SECRET}`)],
    ['JSON that is no object', (request) => request.json(null)],
  ])('A1 %s: unavailable, and the message quotes nothing', async (_, respond) => {
    const credential = create().get()
    respond(await platform.server.next())
    expect(await credential).toMatchObject({ ok: false, reason: 'unavailable' })
    expect(JSON.stringify(await credential)).not.toContain(SECRET)
  })

  it('A1 a token that no header can carry is told without quoting it', async () => {
    answer = { ok: true, token: 'se\ncret' }
    const credential = await create().get()
    expect(credential.ok).toBe(false)
    expect(JSON.stringify(credential)).not.toMatch(/cret/)
  })

  it('is given up after 20 s without an answer, and leaves no timer', async () => {
    const credential = create().get()
    const request = await platform.server.next()
    await platform.advance(20_000)
    expect(await credential).toMatchObject({ ok: false, reason: 'unavailable' })
    expect(request.aborted()).toBe(true)
    expect(platform.timers()).toBe(0)
  })
})
