import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decodeProtectedHeader } from 'jose'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { RunningServer } from '../../demo/server/app.ts'
import { auditFile } from '../../demo/server/audit/audit-files.ts'
import { startRedis } from '../redis.ts'
import { cookiesOf, post, start, temporaryDirectory } from '../server/start.ts'
import { openStream } from '../server/stream.ts'

/** What a thief may do with one token, and what a log-out is worth. */

const path = '/api/v1/auth'

const logIn = async (server: RunningServer, user = 'alice', password = 'rabbit-hole') => {
  const response = await post(server, `${path}/login`, { user, password })
  expect(response.status).toBe(200)
  const { access_token: access } = (await response.json()) as { access_token: string }
  return { access, cookie: cookiesOf(response) }
}

const refresh = async (server: RunningServer, cookie: string) => {
  const headers = { Origin: server.url, 'X-Requested-With': 'fetch', Cookie: cookie }
  const response = await fetch(`${server.url}${path}/refresh`, { method: 'POST', headers })
  return { status: response.status, cookie: cookiesOf(response) }
}

const exchange = async (server: RunningServer, access: string) => {
  const response = await post(server, `${path}/sse-token`, { mode: 'header' }, access)
  return { status: response.status, ...((await response.json()) as { sse_token?: string }) }
}

const auditOf = (dataDir: string) =>
  readFileSync(auditFile(dataDir), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string | number | null>)

test('R5 a log-out with a bearer token alone is a log-out', async () => {
  const server = await start()
  const { access, cookie } = await logIn(server)
  const token = (await exchange(server, access)).sse_token!
  const stream = await openStream(server, { token })
  // As a program does that is no browser: no cookie, no Origin.
  const out = await fetch(`${server.url}${path}/logout`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${access}` },
  })
  expect(out.status).toBe(204)
  expect(await stream.ended).toBe('clean')
  expect((await exchange(server, access)).status).toBe(401)
  expect((await openStream(server, { token })).response.status).toBe(401)
  expect((await refresh(server, cookie)).status).toBe(401)
})

test('R5 a log-out that ends nothing does not say that it did', async () => {
  const server = await start()
  const out = await fetch(`${server.url}${path}/logout`, {
    method: 'POST',
    headers: { Authorization: 'Bearer no.token.atall' },
  })
  expect(out.status).toBe(401)
})

test('R5 each renewal gives another refresh token', async () => {
  let now = Date.now()
  const server = await start({ now: () => now })
  let { cookie } = await logIn(server)
  const seen = new Set([cookie])
  for (let n = 0; n < 3; n++) {
    now += 60_000
    const next = await refresh(server, cookie)
    expect(next.status).toBe(200)
    cookie = next.cookie
    seen.add(cookie)
  }
  expect(seen.size).toBe(4)
})

test.each(['lmdb', 'redis'])(
  'R5 a used refresh token that comes again ends its log-in, and its streams: on %s',
  async (kind) => {
    let now = Date.now()
    const dataDir = temporaryDirectory()
    const options = {
      dataDir,
      now: () => now,
      sseTokenOverlap: 30,
      accessTokenLife: 3_600,
      sseTokenLife: 3_600,
    }
    const redis = kind === 'redis' ? await startRedis() : undefined
    onTestFinished(() => redis?.close())
    const shared = redis ? { redisUrl: redis.url, tokenSecret: 'a secret of 32 characters or more' } : {}
    const server = await start({ ...options, ...shared })
    const { cookie: stolen, access } = await logIn(server)
    const elsewhere = await logIn(server)
    const stream = await openStream(server, { token: (await exchange(server, access)).sse_token! })
    const own = await refresh(server, stolen)
    expect(own.status).toBe(200)
    now += 31_000
    expect((await refresh(server, stolen)).status).toBe(401)
    expect(await stream.ended).toBe('clean')
    // Who has it by right can't be told from who has not.
    expect((await refresh(server, own.cookie)).status).toBe(401)
    expect((await exchange(server, access)).status).toBe(401)
    expect((await refresh(server, elsewhere.cookie)).status).toBe(200)
    await vi.waitUntil(() => auditOf(dataDir).some(({ event }) => event === 'refresh-token-reused'))
  },
)

test('R5 two tabs that renew with one cookie, and an answer that got lost, are no theft', async () => {
  let now = Date.now()
  const server = await start({ now: () => now, sseTokenOverlap: 30 })
  const { cookie } = await logIn(server)
  const both = await Promise.all([refresh(server, cookie), refresh(server, cookie)])
  expect(both.map(({ status }) => status)).toEqual([200, 200])
  now += 20_000
  expect((await refresh(server, cookie)).status).toBe(200)
  now += 60_000
  // Both tabs have the same successor: either of them goes on.
  for (const { cookie: next } of both) expect((await refresh(server, next)).status).toBe(200)
})

test('R5 TOKEN_SECRET is rotated, and nobody is logged out: two keys by `kid`', async () => {
  const dataDir = temporaryDirectory()
  const [first, second] = ['the first secret, of 32 characters', 'the second secret, of 32 characters']
  const before = await start({ dataDir, tokenSecret: first })
  const { access, cookie } = await logIn(before)
  await before.close()
  const between = await start({ dataDir, tokenSecret: second, formerTokenSecret: first })
  expect((await exchange(between, access)).status).toBe(200)
  const renewed = await refresh(between, cookie)
  expect(renewed.status).toBe(200)
  const own = await logIn(between)
  expect(decodeProtectedHeader(own.access).kid).not.toBe(decodeProtectedHeader(access).kid)
  await between.close()
  const after = await start({ dataDir, tokenSecret: second })
  expect((await exchange(after, access)).status).toBe(401)
  expect((await exchange(after, own.access)).status).toBe(200)
  expect((await refresh(after, renewed.cookie)).status).toBe(200)
})

test('N8 signing keys in Redis outlive the rotation of TOKEN_SECRET', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const [first, second] = ['the first secret, of 32 characters', 'the second secret, of 32 characters']
  const kidOf = async (server: RunningServer) => {
    const answer = await fetch(`${server.url}/.well-known/jwks.json`)
    return ((await answer.json()) as { keys: { kid: string }[] }).keys[0]!.kid
  }
  const shared = { redisUrl: redis.url, critical: ['x'] }
  const kid = await kidOf(await start({ ...shared, tokenSecret: first }))
  expect(await kidOf(await start({ ...shared, tokenSecret: second, formerTokenSecret: first }))).toBe(kid)
  expect(await kidOf(await start({ ...shared, tokenSecret: second }))).toBe(kid)
})

test('what happens to log-ins is in the audit log, without passwords and tokens', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir })
  const { access, cookie } = await logIn(server)
  await post(server, `${path}/login`, { user: 'alice', password: 'wrong-password' })
  await exchange(server, access)
  await refresh(server, cookie)
  await server.revokeUser('hatter')
  await post(server, `${path}/logout`, undefined, access)
  await server.close()
  const lines = auditOf(dataDir).slice(1)
  expect(lines.map(({ event, user }) => [event, user])).toEqual([
    ['logged-in', 'alice'],
    ['log-in-failed', 'alice'],
    ['exchanged', 'alice'],
    ['renewed', 'alice'],
    ['user-revoked', 'hatter'],
    ['logged-out', 'alice'],
  ])
  expect(new Set([0, 2, 3, 5].map((n) => lines[n]!.session)).size).toBe(1)
  for (const { event, address } of lines) if (event !== 'user-revoked') expect(address).toBe('127.0.0.1')
  const text = readFileSync(auditFile(dataDir), 'utf8')
  for (const secret of ['wrong-password', 'rabbit-hole', 'eyJ']) expect(text).not.toContain(secret)
})

test('without --dev the demo’s passwords open nothing', async () => {
  const server = await start({ debug: false })
  const response = await post(server, `${path}/login`, { user: 'alice', password: 'rabbit-hole' })
  expect(response.status).toBe(401)
})

test('users come from a file of scrypt hashes, which npm run server:user writes', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir, debug: false })
  const program = fileURLToPath(new URL('../../demo/server/auth/add-user.ts', import.meta.url))
  const addUser = async (name: string, password: string) => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, name, '--data', dataDir], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child.stdin.end(`${password}\n`)
    return (await once(child, 'exit'))[0] as number
  }
  expect(await addUser('carol', 'short')).toBe(1)
  expect(await addUser('carol', 'a long password')).toBe(0)
  const text = readFileSync(`${dataDir}/users.json`, 'utf8')
  expect(text).toMatch(/"carol": "scrypt\$32768\$8\$3\$/)
  expect(text).not.toContain('long password')
  // The server that runs takes it at once.
  await logIn(server, 'carol', 'a long password')
  for (const [user, password] of [
    ['carol', 'another password'],
    ['dora', 'a long password'],
    ['constructor', 'a long password'],
  ])
    expect((await post(server, `${path}/login`, { user, password })).status).toBe(401)
})

test.each(['0.0.0.0', '::', '192.0.2.1'])('--dev on %s is refused', async (host) => {
  await expect(start({ debug: true, host, publicOrigin: 'https://app.example' })).rejects.toThrow(/--dev/)
})

test('--dev on an address beyond loopback ends the start of the program', async () => {
  const main = fileURLToPath(new URL('../../demo/server/main.ts', import.meta.url))
  const args = ['--import', 'tsx', main, '--dev', '--host', '0.0.0.0', '--data', temporaryDirectory()]
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--dev'),
  })
})

test('thirty thousand users leave no more behind than there is room for', async () => {
  const { createStreamCounters } = await import('../../demo/server/streams/stream-counters.ts')
  const counters = createStreamCounters()
  for (let n = 0; n < 30_000; n++) {
    const stream = { user: `user-${n}`, client: `client-${n}` }
    counters.opened(stream)
    counters.closed(stream)
  }
  const { openedByUser, peak } = counters.read()
  for (const map of [openedByUser, peak.users, peak.clients])
    expect(Object.keys(map).length).toBeLessThanOrEqual(10_000)
  expect(openedByUser['user-29999']).toBe(1)
})
