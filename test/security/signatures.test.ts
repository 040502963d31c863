import { CompactSign, SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../../worker/verify/index.ts'
import { openConnection } from '../unit/harness/connection.ts'
import { START } from '../unit/harness/platform.ts'
import type { FakeBody, FakeRequest } from '../unit/harness/server.ts'
import { sse } from '../unit/harness/server.ts'
import { claimsOf, createSigner, type Header, KEYS, type Signer, VERIFY } from '../unit/harness/signing.ts'
import { until } from '../unit/harness/turns.ts'

const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

describe('A5 signed events, from a server that an adversary writes to', () => {
  let signer: Signer
  let other: Signer
  let es256: Signer
  let es384: Signer
  let keys: (request: FakeRequest) => void
  let fetches: number

  beforeEach(async () => {
    ;[signer, other, es256, es384] = await Promise.all([
      createSigner('key-1'),
      createSigner('key-2'),
      createSigner('key-3', 'ES256'),
      createSigner('key-4', 'ES384'),
    ])
    keys = (request) => request.json({ keys: [signer.jwk, es256.jwk, es384.jwk] })
    fetches = 0
  })

  const open = async () => {
    const stream = openConnection({ verify: VERIFY, maxEventSize: 1024 * 1024 }, { createVerifier })
    let body!: FakeBody
    const bodies: FakeRequest[] = []
    stream.server.handle((request) => {
      if (request.url === KEYS) {
        fetches++
        return keys(request)
      }
      bodies.push(request)
      body = request.stream()
    })
    stream.connection.release()
    await until(() => stream.state() === 'open')
    return {
      ...stream,
      bodies,
      push: (text: string) => body.push(text),
      delivered: () => stream.log.appended.filter(({ type }) => type !== null),
      signatureErrors: () => stream.metrics.snapshot(0).errors.byKind.signature ?? 0,
    }
  }

  /** What an adversary can make of an event with this id, without the server's private key. */
  const forgeries: [string, (id: string) => string | Promise<string>][] = (() => {
    const claims = (id: string, over = {}) => claimsOf(id, START, over)
    const sign =
      (over: Record<string, unknown> = {}, header: Header = {}, by = () => signer) =>
      (id: string) =>
        by().sign(claims(id, over), header)
    const unsigned = (header: Header) => (id: string) =>
      `${base64url({ kid: 'key-1', typ: 'tabstream-event+jwt', ...header })}.${base64url(claims(id))}.`
    const hs256 = (secret: () => string) => (id: string) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(claims(id))))
        .setProtectedHeader({ alg: 'HS256', kid: 'key-1', typ: 'tabstream-event+jwt' })
        .sign(new TextEncoder().encode(secret()))
    const parts = (change: (parts: [string, string, string]) => string[]) => async (id: string) =>
      change((await sign()(id)).split('.') as [string, string, string]).join('.')
    return [
      ['no signature at all', (id) => JSON.stringify({ of: id })],
      ['the claims without a signature', (id) => JSON.stringify(claims(id))],
      ['nothing', () => ''],
      ['two dots', () => '..'],
      ['alg none', unsigned({ alg: 'none' })],
      ['alg None', unsigned({ alg: 'None' })],
      ['no alg', unsigned({})],
      ['alg EdDSA with an empty signature', unsigned({ alg: 'EdDSA' })],
      ['alg as a list', unsigned({ alg: ['EdDSA'] })],
      ['HS256 by the public key as JSON', hs256(() => JSON.stringify(signer.jwk))],
      ['HS256 by the raw public key', hs256(() => signer.jwk.x!)],
      ['a key that the set lacks', sign({}, {}, () => other)],
      ["another key under the known one's name", sign({}, { kid: 'key-1' }, () => other)],
      ['an ES256 key under the name of an EdDSA one', sign({}, { kid: 'key-1' }, () => es256)],
      ['a key of the set, by an algorithm that is not pinned', sign({}, {}, () => es384)],
      ['no kid', sign({}, { kid: undefined })],
      ['an empty kid', sign({}, { kid: '' })],
      ['its own key in `jwk`', async (id) => sign({}, { jwk: other.jwk }, () => other)(id)],
      [
        'its own key in `jwk` under the known name',
        (id) => sign({}, { kid: 'key-1', jwk: other.jwk }, () => other)(id),
      ],
      ['a `jku` elsewhere', sign({}, { jku: 'https://evil.test/keys' }, () => other)],
      ['a good signature with a `jku`', sign({}, { jku: 'https://evil.test/keys' })],
      ['a good signature with a `jwk`', (id) => sign({}, { jwk: signer.jwk })(id)],
      ['an `x5u`', sign({}, { x5u: 'https://evil.test/chain' })],
      ['an `x5c`', sign({}, { x5c: ['MIIB'] })],
      ['a `crit` that it made up', sign({}, { crit: ['evil'], evil: 1 })],
      ['`b64` off', sign({}, { crit: ['b64'], b64: true })],
      ['another kind of token', sign({}, { typ: 'JWT' })],
      ['no kind of token', sign({}, { typ: undefined })],
      ['another audience', sign({ aud: 'another-app' })],
      ['the audience as a list', sign({ aud: ['the-app'] })],
      ['no audience', sign({ aud: undefined })],
      ['another user', sign({ sub: 'bob' })],
      ['no user', sign({ sub: undefined })],
      ["another event's id", sign({ jti: '1' })],
      ['no id', sign({ jti: undefined })],
      ['another type', sign({ typ: 'all-clear' })],
      ['no type', sign({ typ: undefined })],
      ['a time in the future', sign({ iat: START / 1_000 + 3_600 })],
      ['no time', sign({ iat: undefined })],
      ['a time that is a text', sign({ iat: String(START / 1_000) })],
      ['no data', sign({ data: undefined })],
      ['a signature cut short', parts(([h, p, s]) => [h, p, s.slice(0, -4)])],
      [
        'a signature with one bit changed',
        parts(([h, p, s]) => [h, p, (s[0] === 'A' ? 'B' : 'A') + s.slice(1)]),
      ],
      [
        'a payload put in the place of the signed one',
        async (id) => {
          const [h, , s] = (await sign()(id)).split('.')
          return `${h}.${base64url(claims(id, { data: 'mine' }))}.${s}`
        },
      ],
      [
        'a header put in the place of the signed one',
        parts(([, p, s]) => [base64url({ typ: 'tabstream-event+jwt', kid: 'key-1', alg: 'EdDSA' }), p, s]),
      ],
      ['four parts', parts((all) => [...all, 'AAAA'])],
      [
        'the JSON serialisation',
        async (id) => {
          const [protectedHeader, payload, signature] = (await sign()(id)).split('.')
          return JSON.stringify({ protected: protectedHeader, payload, signature })
        },
      ],
      ['white space around', async (id) => ` ${await sign()(id)} `],
      ['a JWT by the right key that is not an event', () => sign({}, { typ: 'at+jwt' })('1')],
    ]
  })()

  it(`none of ${forgeries.length} forgeries is delivered; each is counted, and the events around them go on`, async () => {
    const stream = await open()
    const expected: string[] = []
    let id = 0
    for (const [, forge] of forgeries) {
      const forged = await forge(String(++id))
      stream.push(forged === '' ? `id: ${id}\nevent: alarm\ndata\n\n` : sse(String(id), forged, 'alarm'))
      stream.push(sse(String(++id), `plain ${id}`, 'note'))
      expected.push(`plain ${id}`)
      const signed = String(++id)
      stream.push(sse(signed, await signer.sign(claimsOf(signed, START)), 'alarm'))
      expected.push(JSON.stringify({ of: signed }))
    }
    await until(() => stream.delivered().length >= expected.length)
    expect(stream.delivered().map(({ data }) => data)).toEqual(expected)
    expect(stream.signatureErrors()).toBe(forgeries.length)
    expect(stream.state()).toBe('open')
    expect(stream.bodies).toHaveLength(1)
    // One for the set, one for all the keys that it lacks.
    expect(fetches).toBe(2)
    expect(stream.errors[0]).toMatchObject({ kind: 'signature', retryable: true, state: 'open' })
  })

  it.each(forgeries)('%s: the position moves on behind it', async (_, forge) => {
    const stream = await open()
    const forged = await forge('9')
    stream.push(forged === '' ? 'id: 9\nevent: alarm\ndata\n\n' : sse('9', forged, 'alarm'))
    await until(() => stream.signatureErrors() === 1)
    await until(() => stream.log.lastEventId() === '9')
    expect(stream.log.appended).toEqual([{ givenId: '9', id: '9', topic: null, type: null, data: '' }])
    expect(stream.errors).toEqual([
      expect.objectContaining({ kind: 'signature', retryable: true, state: 'open' }),
    ])
  })

  it("a valid signature under another event's id, type or no id is refused; under its own it is good", async () => {
    const stream = await open()
    const jws = await signer.sign(claimsOf('5', START))
    stream.push(sse('6', jws, 'alarm') + sse(null, jws, 'alarm') + sse('5', jws, 'alarm'))
    await until(() => stream.delivered().length === 1)
    expect(stream.delivered()).toEqual([
      { givenId: '5', id: '5', topic: null, type: 'alarm', data: '{"of":"5"}' },
    ])
    expect(stream.signatureErrors()).toBe(2)
  })

  it('an access token by the same key is no event', async () => {
    const stream = await open()
    const token = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new Uint8Array(32))
    stream.push(sse('1', token, 'alarm'))
    await until(() => stream.signatureErrors() === 1)
    expect(JSON.stringify(stream.errors)).not.toContain(token)
  })

  it('of a flood of forgeries one a second is told, and each counted', async () => {
    const stream = await open()
    for (let id = 1; id <= 500; id++) stream.push(sse(String(id), 'forged', 'alarm'))
    await until(() => stream.signatureErrors() === 500)
    expect(stream.errors).toHaveLength(1)
    await stream.platform.advance(1_000)
    stream.push(sse('501', 'forged', 'alarm'))
    await until(() => stream.errors.length === 2)
  })

  it('keys that cannot be fetched are no forgery: the stream comes back for the event, and loses none', async () => {
    const stream = await open()
    keys = (request) => request.answer(503)
    const jws = await signer.sign(claimsOf('2', START))
    stream.push(sse('1', 'plain', 'note') + sse('2', jws, 'alarm') + sse('3', 'behind it', 'note'))
    await until(() => stream.state() === 'waiting')
    expect(stream.errors).toEqual([
      expect.objectContaining({ kind: 'signature', retryable: true, state: 'waiting', lastEventId: '1' }),
    ])
    expect(stream.bodies[0]!.aborted()).toBe(true)
    keys = (request) => request.json({ keys: [signer.jwk] })
    await stream.platform.advance(1_000)
    await until(() => stream.bodies.length === 2)
    expect(stream.bodies[1]!.headers.get('last-event-id')).toBe('1')
    stream.push(sse('2', jws, 'alarm') + sse('3', 'behind it', 'note'))
    await until(() => stream.delivered().length === 3)
    expect(stream.delivered().map(({ id }) => id)).toEqual(['1', '2', '3'])
  })

  it('what an ended stream had brought is dropped when its keys come late', async () => {
    const stream = await open()
    const held: FakeRequest[] = []
    keys = (request) => held.push(request)
    stream.push(sse('1', await signer.sign(claimsOf('1', START)), 'alarm'))
    await until(() => held.length === 1)
    stream.connection.hold()
    held[0]!.json({ keys: [signer.jwk] })
    await stream.platform.advance(0)
    expect(stream.log.appended).toEqual([])
  })
})
