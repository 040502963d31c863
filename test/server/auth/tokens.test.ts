import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import type { RunningServer } from '../../../demo/server/app.ts'
import { cookiesOf, numbered, post, start, temporaryDirectory, tokenFor } from '../start.ts'
import { openStream, streamsOpen } from '../stream.ts'

const exchangePath = '/api/v1/auth/sse-token'

interface Exchange {
  access: string
  client?: string
  mode?: 'cookie' | 'header'
}

const exchange = (server: RunningServer, { access, client, mode = 'header' }: Exchange) =>
  fetch(server.url + exchangePath, {
    method: 'POST',
    headers: {
      Origin: server.url,
      Authorization: `Bearer ${access}`,
      'Content-Type': 'application/json',
      ...(client === undefined ? {} : { 'Stream-Client': client }),
    },
    body: JSON.stringify({ mode }),
  })

const sseToken = async (server: RunningServer, request: Exchange): Promise<string> =>
  ((await (await exchange(server, request)).json()) as { sse_token: string }).sse_token

const logIn = async (server: RunningServer, user = 'alice', password = 'rabbit-hole') => {
  const response = await post(server, '/api/v1/auth/login', { user, password })
  const { access_token: access } = (await response.json()) as { access_token: string }
  return { access, cookie: cookiesOf(response) }
}

const logOut = (server: RunningServer, cookie: string) =>
  fetch(`${server.url}/api/v1/auth/logout`, {
    method: 'POST',
    headers: { Origin: server.url, 'X-Requested-With': 'fetch', Cookie: cookie },
  })

const statusOf = async (server: RunningServer, token: string, client: string) => {
  const stream = await openStream(server, { token, client })
  stream.close()
  return stream.response.status
}

test('R5 a new token ages out the former of the same client, after an overlap', async () => {
  let now = Date.now()
  const server = await start({ now: () => now, sseTokenOverlap: 30, streamsPerUser: 9 })
  const access = await tokenFor(server, 'alice', 'access')
  const former = await sseToken(server, { access, client: 'one' })
  const other = await sseToken(server, { access, client: 'two' })
  const next = await sseToken(server, { access, client: 'one' })
  now += 29_000
  expect(await statusOf(server, former, 'one')).toBe(200)
  now += 2_000
  const refused = await openStream(server, { token: former, client: 'one' })
  expect(refused.response.status).toBe(401)
  expect(await refused.response.json()).toMatchObject({ error: 'token_revoked' })
  expect(await statusOf(server, next, 'one')).toBe(200)
  expect(await statusOf(server, other, 'two')).toBe(200)
})

test('R5 a further token does not put off the end of the one before the last', async () => {
  let now = Date.now()
  const server = await start({ now: () => now, sseTokenOverlap: 30 })
  const access = await tokenFor(server, 'alice', 'access')
  const first = await sseToken(server, { access, client: 'one' })
  await sseToken(server, { access, client: 'one' })
  now += 20_000
  await sseToken(server, { access, client: 'one' })
  now += 11_000
  expect(await statusOf(server, first, 'one')).toBe(401)
})

test('R5 a stream that is open when its token ages out stays open', async () => {
  let now = Date.now()
  const server = await start({ now: () => now, sseTokenOverlap: 0, pingInterval: 20 })
  const access = await tokenFor(server, 'alice', 'access')
  const token = await sseToken(server, { access, client: 'one' })
  const stream = await openStream(server, { token, client: 'one' })
  await sseToken(server, { access, client: 'one' })
  now += 1
  await server.publish('alice', numbered(1))
  await stream.received(1)
  expect(await statusOf(server, token, 'one')).toBe(401)
})

test('R5 at one time of many exchanges by one client a single token outlives the overlap', async () => {
  let now = Date.now()
  const server = await start({ now: () => now, sseTokenOverlap: 30, streamsPerUser: 20 })
  const access = await tokenFor(server, 'alice', 'access')
  const tokens = await Promise.all(
    Array.from({ length: 10 }, () => sseToken(server, { access, client: 'one' })),
  )
  now += 31_000
  const statuses: number[] = []
  for (const token of tokens) statuses.push(await statusOf(server, token, 'one'))
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(statuses.filter((status) => status === 401)).toHaveLength(9)
})

test('R5 log-out ends the streams of that log-in and voids its tokens, and those of no other', async () => {
  const server = await start({ streamsPerUser: 9 })
  const [here, there] = [await logIn(server), await logIn(server)]
  const token = await sseToken(server, { access: here.access, client: 'here' })
  const stream = await openStream(server, { token, client: 'here' })
  const elsewhere = await openStream(server, {
    token: await sseToken(server, { access: there.access, client: 'there' }),
    client: 'there',
  })
  expect((await logOut(server, here.cookie)).status).toBe(204)
  expect(await stream.ended).toBe('clean')
  await server.publish('alice', numbered(1))
  await elsewhere.received(1)
  expect(stream.events).toEqual([])
  expect(await statusOf(server, token, 'here')).toBe(401)
  expect((await exchange(server, { access: here.access })).status).toBe(401)
  expect((await exchange(server, { access: there.access })).status).toBe(200)
})

test('R5 a token that is revoked stays so over a restart, and another log-in is none the worse', async () => {
  const dataDir = temporaryDirectory()
  const before = await start({ dataDir })
  const { access, cookie } = await logIn(before)
  const token = await sseToken(before, { access, client: 'one' })
  await logOut(before, cookie)
  await before.close()
  const after = await start({ dataDir })
  expect(await statusOf(after, token, 'one')).toBe(401)
  const again = await logIn(after)
  expect((await exchange(after, { access: again.access })).status).toBe(200)
})

test('R5 revoking a user voids every token of that user and ends the streams; a new log-in counts', async () => {
  let now = Date.now()
  const server = await start({ now: () => now })
  const { access, cookie } = await logIn(server)
  const stream = await openStream(server, { token: await sseToken(server, { access }) })
  const hatter = await openStream(server, { user: 'hatter' })
  await server.revokeUser('alice')
  expect(await stream.ended).toBe('clean')
  await streamsOpen(server, 1)
  expect((await exchange(server, { access })).status).toBe(401)
  now += 1
  const refreshed = await fetch(`${server.url}/api/v1/auth/refresh`, {
    method: 'POST',
    headers: { Origin: server.url, 'X-Requested-With': 'fetch', Cookie: cookie },
  })
  expect(refreshed.status).toBe(401)
  const again = await logIn(server)
  expect((await exchange(server, { access: again.access })).status).toBe(200)
  hatter.close()
})

test('R5 a user who is revoked twice has no token of between left', async () => {
  let now = Date.now()
  const server = await start({ now: () => now })
  await server.revokeUser('alice')
  now += 1_000
  const between = await logIn(server)
  now += 1_000
  await server.revokeUser('alice')
  expect((await exchange(server, { access: between.access })).status).toBe(401)
})

test('R5 an 11th exchange in a minute gets 429 with Retry-After, and is no matter to another user', async () => {
  const server = await start({ exchangesPerUser: 10 })
  const access = await tokenFor(server, 'alice', 'access')
  for (let n = 1; n <= 10; n++) expect((await exchange(server, { access })).status).toBe(200)
  const refused = await exchange(server, { access })
  expect(refused.status).toBe(429)
  const wait = Number(refused.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(60)
  expect(await refused.json()).toMatchObject({ error: 'too_many_requests' })
  expect((await exchange(server, { access: await tokenFor(server, 'hatter', 'access') })).status).toBe(200)
})

test('R5 one address is limited whatever it sends, before any token is looked at', async () => {
  const server = await start({ authPerAddress: 5 })
  const statuses: number[] = []
  for (let n = 1; n <= 7; n++) statuses.push((await exchange(server, { access: 'no.token' })).status)
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  const login = await post(server, '/api/v1/auth/login', { user: 'alice', password: 'rabbit-hole' })
  expect(login.status).toBe(429)
})

test('R5 without /debug the limits are on, and who says so of himself is not another address', async () => {
  const server = await start({ debug: false, users: { alice: 'rabbit-hole' }, authPerAddress: 12 })
  const { access } = await logIn(server)
  const statuses: number[] = []
  for (let n = 1; n <= 11; n++) statuses.push((await exchange(server, { access })).status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(10)
  const spoofed = await fetch(`${server.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'X-Forwarded-For': '203.0.113.7', 'Content-Type': 'application/json' },
    body: '{}',
  })
  expect(spoofed.status).toBe(429)
})

test('R5 behind TLS the cookies are __Host-, Secure, httpOnly and SameSite=Strict, and no other name counts', async () => {
  const publicOrigin = 'https://app.example'
  const server = await start({ publicOrigin })
  const login = await fetch(`${server.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { Origin: publicOrigin, 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: 'alice', password: 'rabbit-hole' }),
  })
  const { access_token } = (await login.json()) as { access_token: string }
  const exchanged = await fetch(server.url + exchangePath, {
    method: 'POST',
    headers: { Origin: publicOrigin, Authorization: `Bearer ${access_token}`, 'Stream-Client': 'one' },
  })
  for (const [response, name] of [
    [login, '__Host-refresh_token'],
    [exchanged, '__Host-sse_token_[0-9a-f]{16}'],
  ] as const) {
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(response.headers.getSetCookie()[0]).toMatch(
      new RegExp(`^${name}=[\\w.-]+; Max-Age=\\d+; Path=/; HttpOnly; Secure; SameSite=Strict$`),
    )
    expect(response.headers.get('cache-control')).toBe('no-store')
  }
  const cookie = cookiesOf(exchanged)
  // What another subdomain could plant.
  const planted = await openStream(server, { cookie: cookie.replace('__Host-', ''), client: 'one' })
  expect(planted.response.status).toBe(401)
  expect((await openStream(server, { cookie, client: 'one' })).response.status).toBe(200)
  expect(login.headers.get('strict-transport-security')).toContain('max-age=')
})

test('A1 what a token says is who and when, and nothing secret', async () => {
  const server = await start()
  const claims = decodeJwt(await sseToken(server, { access: (await logIn(server)).access, client: 'one' }))
  expect(Object.keys(claims).toSorted()).toEqual(
    ['aud', 'auth_time', 'client', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'].toSorted(),
  )
})
