import { beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../../../../worker/verify/index.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import type { FakeRequest } from '../../harness/server.ts'
import { claimsOf, createSigner, KEYS, type Signer } from '../../harness/signing.ts'

const HOUR = 3_600_000

describe('A5 a signed event', () => {
  let platform: FakePlatform
  let signer: Signer
  let fetched: FakeRequest[]
  let answer: (request: FakeRequest) => void

  beforeEach(async () => {
    platform = createFakePlatform()
    signer = await createSigner('key-1')
    fetched = []
    answer = (request) => request.json({ keys: [signer.jwk] })
    platform.server.handle((request) => {
      fetched.push(request)
      answer(request)
    })
  })

  const create = (user: string | null = 'ann') =>
    createVerifier({ platform, jwks: KEYS, audience: 'the-app', user })
  const alarm = (data: string, id = '7', topic: string | null = null) => ({ id, type: 'alarm', data, topic })
  const good = async (by = signer, over = {}) => alarm(await by.sign(claimsOf('7', platform.now(), over)))
  const refused = (reason: RegExp) => ({
    ok: false,
    unavailable: false,
    reason: expect.stringMatching(reason),
  })
  const unavailable = { ok: false, unavailable: true, reason: 'the key set cannot be fetched' }

  it.each(['EdDSA', 'ES256'] as const)('by %s is what was signed, as JSON', async (alg) => {
    signer = await createSigner('key-1', alg)
    expect(await create()(await good())).toEqual({ ok: true, data: '{"of":"7"}' })
  })

  it('fetches the keys once, past the HTTP cache, without a credential, and follows no redirect', async () => {
    const verify = create()
    const event = await good()
    await Promise.all([verify(event), verify(event)])
    await verify(event)
    expect(fetched.map(({ url }) => url)).toEqual([KEYS])
    expect(fetched[0]!.init).toMatchObject({ credentials: 'omit', cache: 'no-cache', redirect: 'error' })
  })

  it('of a stream that is for everybody names no user', async () => {
    const verify = create(null)
    expect(await verify(await good(signer, { sub: undefined }))).toMatchObject({ ok: true })
    expect(await verify(await good(signer))).toEqual(refused(/another user/))
  })

  it('by a key that is newer than the set is good, whenever the set was fetched', async () => {
    const verify = create()
    await verify(await good())
    const next = await createSigner('key-2')
    answer = (request) => request.json({ keys: [next.jwk, signer.jwk] })
    expect(await verify(await good(next))).toMatchObject({ ok: true })
    expect(fetched).toHaveLength(2)
  })

  it('by keys that nobody has causes one fetch in 30 s', async () => {
    const verify = create()
    await verify(await good())
    for (const kid of ['a', 'b', 'c']) {
      expect(await verify(await good(await createSigner(kid)))).toEqual(refused(/not by that key|key set/))
    }
    expect(fetched).toHaveLength(2)
    await platform.advance(30_001)
    await verify(await good(await createSigner('d')))
    expect(fetched).toHaveLength(3)
  })

  it('by a key that was withdrawn is refused after 10 minutes', async () => {
    const verify = create()
    const event = await good()
    await verify(event)
    answer = (request) => request.json({ keys: [] })
    expect(await verify(event)).toMatchObject({ ok: true })
    await platform.advance(600_001)
    expect(await verify(event)).toMatchObject({ ok: false, unavailable: false })
  })

  it.each<[string, (request: FakeRequest) => void]>([
    ['fail', (request) => request.fail()],
    ['are answered by 500', (request) => request.answer(500)],
    ['are no JSON', (request) => request.answer(200, {}, '<html>')],
    ['are no key set', (request) => request.json({ error: 'nothing here' })],
  ])('is no forgery while the keys %s, and good once they come', async (_, fault) => {
    const verify = create()
    answer = fault
    const event = await good()
    expect(await verify(event)).toEqual(unavailable)
    answer = (request) => request.json({ keys: [signer.jwk] })
    expect(await verify(event)).toMatchObject({ ok: true })
  })

  it('is no forgery while the keys do not come within 5 s', async () => {
    const verify = create()
    answer = () => {}
    const checked = verify(await good())
    await platform.advance(4_999)
    expect(fetched[0]!.aborted()).toBe(false)
    await platform.advance(1)
    expect(fetched[0]!.aborted()).toBe(true)
    fetched[0]!.fail('aborted')
    expect(await checked).toEqual(unavailable)
  })

  it('is no forgery while a key is unknown and the set cannot be fetched again', async () => {
    const verify = create()
    await verify(await good())
    answer = (request) => request.answer(503)
    expect(await verify(await good(await createSigner('key-2')))).toEqual(unavailable)
  })

  it('may be issued up to a minute ahead of the clock, not more', async () => {
    const verify = create()
    const ahead = (seconds: number) => good(signer, { iat: platform.now() / 1_000 + seconds })
    expect(await verify(await ahead(60))).toMatchObject({ ok: true })
    expect(await verify(await ahead(61))).toEqual(refused(/future/))
  })

  it("is of today on a device whose clock is hours behind the server's", async () => {
    const verify = create()
    answer = (request) =>
      request.json({ keys: [signer.jwk] }, { date: new Date(platform.now() + 5 * HOUR).toUTCString() })
    expect(await verify(await good(signer, { iat: (platform.now() + 5 * HOUR) / 1_000 }))).toMatchObject({
      ok: true,
    })
    expect(await verify(await good(signer, { iat: (platform.now() + 6 * HOUR) / 1_000 }))).toEqual(
      refused(/future/),
    )
  })
})
