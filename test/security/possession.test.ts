import { webcrypto } from 'node:crypto'
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProofKey } from '../../worker/auth/proof-key.ts'
import { CLOSE_GRACE } from '../../worker/base/close-grace.ts'
import { openHub, openTab, type TestHub } from '../unit/harness/hub.ts'
import type { FakeRequest } from '../unit/harness/server.ts'
import { until } from '../unit/harness/turns.ts'

const STREAM = 'https://app.test/stream'
const EXCHANGE = 'https://app.test/token'
const OPTIONS = { auth: { exchange: EXCHANGE, dpop: true as const } }

const sha256 = async (text: string) =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', new TextEncoder().encode(text))).toString('base64url')

/** What a server checks of a proof (RFC 9449, 4.3). */
const check = async (request: FakeRequest, method: string, url: string) => {
  const proof = request.headers.get('dpop') ?? ''
  const { jwk, typ, alg } = decodeProtectedHeader(proof)
  expect({ typ, alg }).toEqual({ typ: 'dpop+jwt', alg: 'ES256' })
  expect(Object.keys(jwk!).toSorted()).toEqual(['crv', 'kty', 'x', 'y'])
  const { payload } = await jwtVerify(proof, await importJWK(jwk as JWK, 'ES256'), { clockTolerance: 1e12 })
  expect(payload).toMatchObject({ htm: method, htu: url })
  const token = request.headers.get('authorization')?.split(' ')[1]
  expect(payload.ath).toBe(token === undefined ? undefined : await sha256(token))
  return { key: JSON.stringify(jwk), ...payload }
}

describe('A7 proof of possession', () => {
  let test: TestHub
  let exchanges: FakeRequest[]
  let streams: FakeRequest[]
  let exchange: (request: FakeRequest) => void
  let stream: (request: FakeRequest) => void

  beforeEach(() => {
    test = openHub()
    exchanges = []
    streams = []
    exchange = (request) =>
      request.json({ sse_token: `sse-${exchanges.length}`, token_type: 'DPoP', expires_in: 600 })
    stream = (request) => void request.stream()
    test.platform.server.handle((request) => {
      if (request.url === EXCHANGE) {
        exchanges.push(request)
        exchange(request)
      } else {
        streams.push(request)
        stream(request)
      }
    })
  })
  afterEach(() => test.close())

  /** The workers' clock stands still while a proof is made, which takes real time. */
  const open = async (of = test, options: object = OPTIONS) => {
    const tab = await openTab(of, { options })
    await until(() => tab.status()?.state === 'open')
    return tab
  }

  it('goes with each exchange and each stream, each time a new one by the same key', async () => {
    const tab = await open()
    await tab.hub.reconnect()
    await until(() => tab.status()?.state === 'connecting')
    await test.platform.advance(CLOSE_GRACE)
    await until(() => streams.length === 2)
    expect(exchanges[0]!.headers.get('authorization')).toMatch(/^Bearer /)
    expect(streams[0]!.headers.get('authorization')).toBe('DPoP sse-1')
    const proofs = [
      await check(exchanges[0]!, 'POST', EXCHANGE),
      await check(streams[0]!, 'GET', STREAM),
      await check(streams[1]!, 'GET', STREAM),
    ]
    expect(new Set(proofs.map(({ key }) => key)).size).toBe(1)
    expect(new Set(proofs.map(({ jti }) => jti)).size).toBe(3)
    expect(exchanges).toHaveLength(1)
  })

  it('in cookie mode goes without a hash of the token, which no script sees', async () => {
    exchange = (request) => request.json({ expires_in: 600 })
    await open()
    expect(streams[0]!.headers.get('authorization')).toBeNull()
    await check(streams[0]!, 'GET', STREAM)
  })

  it('takes no token that anybody could use', async () => {
    exchange = (request) => request.json({ sse_token: 'sse', token_type: 'Bearer', expires_in: 600 })
    const tab = await openTab(test, { options: OPTIONS })
    await until(() => tab.errors.length > 0)
    expect(tab.errors[0]).toMatchObject({ kind: 'auth', message: expect.stringMatching(/not bound/) })
    expect(streams).toHaveLength(0)
  })

  it('is given again with the nonce that a server asks for, by exchange and stream', async () => {
    const asked = async (
      request: FakeRequest,
      method: string,
      url: string,
      answer: (request: FakeRequest) => void,
    ) => {
      const { nonce } = (await check(request, method, url)) as { nonce?: string }
      if (nonce === `nonce-${method}`) answer(request)
      else request.answer(401, { 'dpop-nonce': `nonce-${method}` })
    }
    const [grant, begin] = [exchange, stream]
    exchange = (request) => void asked(request, 'POST', EXCHANGE, grant)
    stream = (request) => void asked(request, 'GET', STREAM, begin)
    const tab = await open()
    expect([exchanges.length, streams.length]).toEqual([2, 2])
    expect(tab.errors).toEqual([])
  })

  it('is given again by the server’s time, where the device’s clock is hours off', async () => {
    test.platform.setClock(-5 * 3_600_000)
    const server = () => test.platform.now() + 5 * 3_600_000
    const grant = exchange
    exchange = async (request) => {
      const { iat } = (await check(request, 'POST', EXCHANGE)) as { iat: number }
      if (Math.abs(iat * 1_000 - server()) < 60_000) grant(request)
      else request.answer(400, { date: new Date(server()).toUTCString() })
    }
    await open()
    expect(exchanges).toHaveLength(2)
  })

  it('is by a key that nobody can read, the same for the next worker, and another after a sign-out', async () => {
    const tab = await open()
    const { key } = (await tab.hub.inspect()) as { key: string }
    const { privateKey } = await openProofKey(key)
    expect(privateKey.extractable).toBe(false)
    await expect(webcrypto.subtle.exportKey('jwk', privateKey)).rejects.toThrow()
    const names = async () => (await indexedDB.databases()).map(({ name }) => name!)
    expect((await names()).some((name) => name.startsWith('tabstream-dpop:'))).toBe(true)
    const first = await check(streams[0]!, 'GET', STREAM)

    test.kill()
    const next = openHub(test.platform)
    const opening = open(next)
    await until(() => test.platform.timers() > 0)
    await test.platform.advance(CLOSE_GRACE)
    const successor = await opening
    expect((await check(streams.at(-1)!, 'GET', STREAM)).key).toBe(first.key)

    let failure: unknown = 'under way'
    void successor.hub.signOut().then((answer) => {
      failure = answer
    })
    // Its looks at the other hubs go by the workers' clock, the deletion does not.
    for (let ms = 0; failure === 'under way' && ms < 3_000; ms += 10) await test.platform.advance(10)
    await until(() => failure !== 'under way')
    expect(failure).toBeNull()
    expect((await names()).some((name) => name.startsWith('tabstream-dpop:'))).toBe(false)
    await open(next)
    expect((await check(streams.at(-1)!, 'GET', STREAM)).key).not.toBe(first.key)
    await next.close()
  })

  it('is not made where nobody asks for it', async () => {
    exchange = (request) => request.json({ sse_token: 'sse', expires_in: 600 })
    await open(test, { auth: { exchange: EXCHANGE } })
    expect([...exchanges, ...streams].map(({ headers }) => headers.has('dpop'))).toEqual([false, false])
    expect((await indexedDB.databases()).some(({ name }) => name!.startsWith('tabstream-dpop:'))).toBe(false)
  })
})
