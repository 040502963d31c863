import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { request as send } from 'node:http'
import { decodeJwt } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import type { RunningServer } from '../../demo/server/app.ts'
import { startRedis } from '../redis.ts'
import { cookiesOf, start, temporaryDirectory, tokenFor } from '../server/start.ts'
import { openStream } from '../server/stream.ts'

/** What a thief of an SSE token may do at the reference server, where its owner proves possession of a key (RFC 9449). */

const exchangePath = '/api/v1/auth/sse-token'
const streamPath = '/api/v1/events/stream'

const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
type Pair = ReturnType<typeof keyPair>

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const publicJwk = ({ publicKey }: Pair) => publicKey.export({ format: 'jwk' })
const thumbprint = (pair: Pair) => {
  const { crv, kty, x, y } = publicJwk(pair)
  return sha256(JSON.stringify({ crv, kty, x, y }))
}

let proofs = 0
interface Changes {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  signer?: KeyObject
  sign?: (text: Buffer) => Buffer
}

/** A proof, sound but for the changes. A claim or member that is changed to `undefined` is left out. */
const prove = (
  pair: Pair,
  { method, url, token }: { method: string; url: string; token: string },
  { claims = {}, header = {}, signer = pair.privateKey, ...changes }: Changes = {},
): string => {
  const head = { typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk(pair), ...header }
  const iat = Math.floor(Date.now() / 1000)
  const payload = { jti: `proof-${++proofs}`, htm: method, htu: url, iat, ath: sha256(token), ...claims }
  const text = `${part(head)}.${part(payload)}`
  const signed =
    changes.sign?.(Buffer.from(text)) ??
    sign('sha256', Buffer.from(text), { key: signer, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signed.toString('base64url')}`
}

const exchange = async (
  server: RunningServer,
  { access, dpop, mode }: { access: string; dpop?: string; mode?: string },
) => {
  const response = await fetch(server.url + exchangePath, {
    method: 'POST',
    headers: {
      Origin: server.url,
      Authorization: `Bearer ${access}`,
      'Content-Type': 'application/json',
      ...(dpop === undefined ? {} : { DPoP: dpop }),
    },
    ...(mode === undefined ? {} : { body: JSON.stringify({ mode }) }),
  })
  const body = (await response.json()) as { sse_token?: string; token_type?: string; error?: string }
  return { response, status: response.status, cookie: cookiesOf(response), ...body }
}

/** Without an `Origin`, which a server behind a proxy would not know as its own. */
const accessOfProgram = async (server: RunningServer) => {
  const response = await fetch(`${server.url}/debug/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: 'alice', kind: 'access' }),
  })
  return ((await response.json()) as { token: string }).token
}

const forExchange = (server: RunningServer, access: string) => ({
  method: 'POST',
  url: server.url + exchangePath,
  token: access,
})
const forStream = (server: RunningServer, token: string) => ({
  method: 'GET',
  url: server.url + streamPath,
  token,
})

const bind = async (server: RunningServer, pair: Pair, mode?: string) => {
  const access = await tokenFor(server, 'alice', 'access')
  const dpop = prove(pair, forExchange(server, access))
  const answer = await exchange(server, { access, dpop, ...(mode === undefined ? {} : { mode }) })
  expect(answer).toMatchObject({ status: 200, token_type: 'DPoP' })
  return { ...answer, token: answer.sse_token ?? answer.cookie.replace(/^[^=]*=/, '') }
}

/** The stream's answer to a token and a proof. */
const ask = async (server: RunningServer, authorization: string | null, dpop?: string, cookie = '') => {
  const headers = {
    ...(authorization === null ? {} : { Authorization: authorization }),
    ...(dpop === undefined ? {} : { DPoP: dpop }),
    // As a browser's own page sends its cookie.
    ...(cookie === '' ? {} : { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' }),
  }
  const abort = new AbortController()
  const response = await fetch(server.url + streamPath, { headers, signal: abort.signal })
  const challenge = response.headers.get('www-authenticate')
  const error =
    response.status === 200 ? null : ((await response.json()) as { error: string; message: string })
  abort.abort()
  return { status: response.status, challenge, ...error }
}

const now = () => Math.floor(Date.now() / 1000)
const other = keyPair()

/** Each of these proofs is one change away from a sound one. */
const bad: [string, (pair: Pair, url: string) => Changes][] = [
  ['another host', (_, url) => ({ claims: { htu: url.replace('127.0.0.1', 'evil.example') } })],
  ['another port', (_, url) => ({ claims: { htu: url.replace(/:\d+/, ':1') } })],
  ['another scheme', (_, url) => ({ claims: { htu: url.replace('http:', 'https:') } })],
  ['another path', (_, url) => ({ claims: { htu: `${url}/elsewhere` } })],
  ['a URL that is none', (_, url) => ({ claims: { htu: new URL(url).pathname } })],
  ['no URL', () => ({ claims: { htu: undefined } })],
  ['another method', () => ({ claims: { htm: 'PUT' } })],
  ['the hash of another token', () => ({ claims: { ath: sha256('another') } })],
  ['no hash of the token', () => ({ claims: { ath: undefined } })],
  ['a time of two minutes ago', () => ({ claims: { iat: now() - 120 } })],
  ['a time in two minutes', () => ({ claims: { iat: now() + 120 } })],
  ['a time that is no number', () => ({ claims: { iat: `${now()}` } })],
  ['no time', () => ({ claims: { iat: undefined } })],
  ['no id', () => ({ claims: { jti: undefined } })],
  ['an id without end', () => ({ claims: { jti: 'x'.repeat(257) } })],
  ['a signature by another key', () => ({ signer: other.privateKey })],
  ['alg none', () => ({ header: { alg: 'none' } })],
  ['alg none and no signature', () => ({ header: { alg: 'none' }, sign: () => Buffer.of() })],
  ['alg HS256', () => ({ header: { alg: 'HS256' } })],
  ['another typ', () => ({ header: { typ: 'JWT' } })],
  ['a critical extension', () => ({ header: { crit: ['b64'], b64: true } })],
  ['no key', () => ({ header: { jwk: undefined } })],
  ['its private key', ({ privateKey }) => ({ header: { jwk: privateKey.export({ format: 'jwk' }) } })],
  ['a key of RSA', () => ({ header: { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } } })],
  [
    'a point off the curve',
    (pair) => ({ header: { jwk: { ...publicJwk(pair), x: Buffer.alloc(32, 1).toString('base64url') } } }),
  ],
  [
    'a key of another curve',
    () => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-384' })
      return { header: { jwk: pair.publicKey.export({ format: 'jwk' }) }, signer: pair.privateKey }
    },
  ],
  ['a signature in DER', ({ privateKey }) => ({ sign: (text) => sign('sha256', text, privateKey) })],
]

test('A7 R5 the exchange binds the token to the key, and the stream opens by that key', async () => {
  const server = await start()
  const pair = keyPair()
  const { token } = await bind(server, pair)
  expect(decodeJwt(token).cnf).toEqual({ jkt: thumbprint(pair) })
  const stream = await openStream(server, {
    headers: { Authorization: `DPoP ${token}`, DPoP: prove(pair, forStream(server, token)) },
  })
  expect(stream.response.status).toBe(200)
})

test('A7 a stolen token opens nothing: as Bearer, without a proof, by another key', async () => {
  const server = await start()
  const pair = keyPair()
  const { token } = await bind(server, pair)
  const sound = () => prove(pair, forStream(server, token))
  const asBearer = await ask(server, `Bearer ${token}`)
  expect(asBearer).toMatchObject({
    status: 401,
    error: 'token_scheme',
    challenge: expect.stringMatching(/^DPoP /),
  })
  expect(await ask(server, `Bearer ${token}`, sound())).toMatchObject({ status: 401, error: 'token_scheme' })
  const proofless = {
    status: 401,
    error: 'invalid_dpop_proof',
    challenge: expect.stringMatching(/^DPoP error="invalid_dpop_proof"/),
  }
  expect(await ask(server, `DPoP ${token}`)).toMatchObject(proofless)
  const byAnother = await ask(server, `DPoP ${token}`, prove(keyPair(), forStream(server, token)))
  expect(byAnother).toMatchObject({ ...proofless, message: expect.stringMatching(/another key/) })
  expect(await ask(server, null, undefined, `sse_token=${token}`)).toMatchObject(proofless)
  // Nothing of that took a place or the owner's turn.
  expect(server.connections()).toMatchObject({ opened: 0 })
  expect(await ask(server, `DPoP ${token}`, sound())).toMatchObject({ status: 200 })
})

test('A7 requests of a thief do not use up the streams that the owner may open', async () => {
  const server = await start({ opensPerUser: 1 })
  const pair = keyPair()
  const { token } = await bind(server, pair)
  for (let n = 0; n < 3; n++)
    expect((await ask(server, `DPoP ${token}`, prove(other, forStream(server, token)))).status).toBe(401)
  expect((await ask(server, `DPoP ${token}`, prove(pair, forStream(server, token)))).status).toBe(200)
})

test.each(bad)('A7 a proof with %s opens no stream and gets no token', async (_, change) => {
  const server = await start()
  const pair = keyPair()
  const { token } = await bind(server, pair)
  const ofStream = forStream(server, token)
  const opened = await ask(server, `DPoP ${token}`, prove(pair, ofStream, change(pair, ofStream.url)))
  expect(opened).toMatchObject({ status: 401, error: 'invalid_dpop_proof' })

  const access = await tokenFor(server, 'alice', 'access')
  const ofExchange = forExchange(server, access)
  const dpop = prove(pair, ofExchange, change(pair, ofExchange.url))
  const refused = await exchange(server, { access, dpop })
  expect(refused).toMatchObject({ status: 400, error: 'invalid_dpop_proof' })
  expect(refused.response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof"/)
  expect(refused.cookie).toBe('')
})

test.each(['', 'x', 'a.b.c', '..', 'bnVsbA.bnVsbA.bnVsbA'])('A7 no proof at all: %j', async (dpop) => {
  const server = await start()
  const { token } = await bind(server, keyPair())
  expect((await ask(server, `DPoP ${token}`, dpop)).status).toBe(401)
  const access = await tokenFor(server, 'alice', 'access')
  expect((await exchange(server, { access, dpop })).status).toBe(400)
})

test('A7 two DPoP headers are none', async () => {
  const server = await start()
  const pair = keyPair()
  const { token } = await bind(server, pair)
  const dpop = [prove(pair, forStream(server, token)), prove(pair, forStream(server, token))]
  const status = await new Promise((done, fail) => {
    const request = send(server.url + streamPath, { headers: { Authorization: `DPoP ${token}`, DPoP: dpop } })
    request.on('response', (response) => {
      done(response.statusCode)
      response.destroy()
    })
    request.on('error', fail)
    request.end()
  })
  expect(status).toBe(401)
})

test('A7 the query of a URL is no part of what is proved', async () => {
  const server = await start()
  const pair = keyPair()
  const { token } = await bind(server, pair)
  const claims = { htu: `${server.url}${streamPath}?a=b#c` }
  const dpop = prove(pair, forStream(server, token), { claims })
  expect((await ask(server, `DPoP ${token}`, dpop)).status).toBe(200)
})

test('A7 a proof is for the address that browsers know, behind whatever proxy', async () => {
  const publicOrigin = 'https://app.example'
  const server = await start({ publicOrigin })
  const pair = keyPair()
  const access = await accessOfProgram(server)
  const dpop = (origin: string) => prove(pair, { method: 'POST', url: origin + exchangePath, token: access })
  const asked = (origin: string) =>
    fetch(server.url + exchangePath, {
      method: 'POST',
      headers: { Authorization: `Bearer ${access}`, DPoP: dpop(origin) },
    })
  expect((await asked(server.url)).status).toBe(400)
  expect((await asked(publicOrigin)).status).toBe(200)
})

test.each(['on one machine, over a restart', 'over Redis, at another node'])(
  'A7 a proof is good once: %s',
  async (kind) => {
    const redis = kind.includes('Redis') ? await startRedis() : undefined
    onTestFinished(() => redis?.close())
    const publicOrigin = 'https://app.example'
    const kept = redis ? { redisUrl: redis.url } : { dataDir: temporaryDirectory() }
    const options = { ...kept, publicOrigin, tokenSecret: 'a secret of 32 characters or more' }
    const server = await start(options)
    const pair = keyPair()
    const access = await accessOfProgram(server)
    const exchangeProof = prove(pair, { method: 'POST', url: publicOrigin + exchangePath, token: access })
    const ofExchange = (at: RunningServer) =>
      fetch(at.url + exchangePath, {
        method: 'POST',
        headers: { Authorization: `Bearer ${access}`, DPoP: exchangeProof },
      })
    const answer = await ofExchange(server)
    const { sse_token: token } = (await answer.json()) as { sse_token: string }
    const proof = prove(pair, { method: 'GET', url: publicOrigin + streamPath, token })
    // At the same time as well: one of them gets the stream.
    const both = await Promise.all([1, 2].map(() => ask(server, `DPoP ${token}`, proof)))
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 401])

    if (!redis) await server.close()
    const next = await start(options)
    expect(await ask(next, `DPoP ${token}`, proof)).toMatchObject({
      status: 401,
      message: expect.stringMatching(/before/),
    })
    expect((await ofExchange(next)).status).toBe(400)
    const fresh = prove(pair, { method: 'GET', url: publicOrigin + streamPath, token })
    expect((await ask(next, `DPoP ${token}`, fresh)).status).toBe(200)
  },
)

test('A7 by a cookie the key is proved too, and the hash of the token where it is named', async () => {
  const server = await start()
  const pair = keyPair()
  const { token, cookie, sse_token: shown } = await bind(server, pair, 'cookie')
  expect(shown).toBeUndefined()
  const proof = (claims: Record<string, unknown>, by = pair) =>
    prove(by, forStream(server, token), { claims })
  const status = async (dpop?: string) => (await ask(server, null, dpop, cookie)).status
  const withoutHash = { ath: undefined }
  expect(await status()).toBe(401)
  expect(await status(proof(withoutHash, keyPair()))).toBe(401)
  expect(await status(proof({ ath: sha256('another') }))).toBe(401)
  expect(await status(proof(withoutHash))).toBe(200)
  expect(await status(proof({}))).toBe(200)
})

test('A7 R5 tokens that nobody asked to bind stay as they are', async () => {
  const server = await start()
  const access = await tokenFor(server, 'alice', 'access')
  const { sse_token: token, token_type: type } = await exchange(server, { access, mode: 'header' })
  expect(type).toBeUndefined()
  expect(decodeJwt(token!).cnf).toBeUndefined()
  expect((await ask(server, `Bearer ${token}`)).status).toBe(200)
  // A key that anybody could name is no proof of anything.
  const dpop = prove(keyPair(), forStream(server, token!))
  expect((await ask(server, `DPoP ${token}`, dpop)).status).toBe(401)
})

test('A7 another origin may send a proof', async () => {
  const app = 'https://app.example'
  const server = await start({ allowedOrigins: [app] })
  const preflight = await fetch(server.url + streamPath, {
    method: 'OPTIONS',
    headers: {
      Origin: app,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,dpop',
    },
  })
  expect(preflight.headers.get('access-control-allow-headers')).toContain('DPoP')
})
