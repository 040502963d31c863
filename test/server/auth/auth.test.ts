import { expect, test } from 'vitest'
import { createCookies } from '../../../demo/server/http/cookies.ts'
import { cookiesOf, numbered, post, start, temporaryDirectory, tokenFor } from '../start.ts'
import { openStream } from '../stream.ts'

const exchange = '/api/v1/auth/sse-token'

/** What a page of the server adds to a request that a cookie vouches for. */
const fromPage = (server: Awaited<ReturnType<typeof start>>) => ({
  Origin: server.url,
  'X-Requested-With': 'fetch',
})

const logIn = async (server: Awaited<ReturnType<typeof start>>) => {
  const response = await post(server, '/api/v1/auth/login', { user: 'alice', password: 'rabbit-hole' })
  const body = (await response.json()) as { access_token: string; expires_at: string; user: string }
  return { body, cookies: cookiesOf(response) }
}

test('R5 log in, exchange for a cookie, open the stream with it', async () => {
  const server = await start()
  const { body } = await logIn(server)
  expect(body.user).toBe('alice')
  const response = await post(server, exchange, undefined, body.access_token)
  const answer = (await response.json()) as { expires_at: string }
  expect(Object.keys(answer).toSorted()).toEqual(['expires_at', 'expires_in', 'user'])
  expect(answer.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/)
  expect(response.headers.getSetCookie()[0]).toMatch(
    /^sse_token=[\w.-]+; Max-Age=300; Path=\/api\/v1\/events\/stream; HttpOnly; SameSite=Strict$/,
  )
  const stream = await openStream(server, { cookie: cookiesOf(response), client: 'one' })
  await server.publish('alice', numbered(1))
  await stream.received(1)
})

test('R5 header mode answers the token and sets no cookie', async () => {
  const server = await start()
  const { body } = await logIn(server)
  const response = await post(server, exchange, { mode: 'header' }, body.access_token)
  const { sse_token } = (await response.json()) as { sse_token: string }
  expect(response.headers.getSetCookie()).toEqual([])
  expect((await openStream(server, { token: sse_token })).response.status).toBe(200)
})

test('R5 a mode that there is not is refused', async () => {
  const server = await start()
  const response = await post(server, exchange, { mode: 'query' }, await tokenFor(server, 'alice', 'access'))
  expect(response.status).toBe(400)
})

test('R5 an empty body with a JSON content type is no body', async () => {
  const server = await start()
  const response = await fetch(server.url + exchange, {
    method: 'POST',
    headers: {
      ...fromPage(server),
      Authorization: `Bearer ${await tokenFor(server, 'alice', 'access')}`,
      'Content-Type': 'application/json',
    },
  })
  expect(response.status).toBe(200)
})

test('R5 the two kinds of token are not interchangeable', async () => {
  const server = await start()
  const [access, sse] = [await tokenFor(server, 'alice', 'access'), await tokenFor(server, 'alice', 'sse')]
  const stream = await openStream(server, { token: access })
  expect(stream.response.status).toBe(401)
  expect(await stream.response.json()).toMatchObject({ error: 'token_wrong_kind' })
  for (const path of [exchange, '/api/v1/events', '/api/v1/pipeline']) {
    const response = await post(server, path, {}, sse)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: 'token_wrong_kind' })
  }
})

test('R3 R5 a token that is missing, forged or expired gets 401 and a message', async () => {
  let now = Date.now()
  const server = await start({ now: () => now })
  const token = await tokenFor(server, 'alice', 'sse')
  const codeOf = async (response: Response) => {
    expect(response.status).toBe(401)
    const { error, message } = (await response.json()) as { error: string; message: string }
    expect(message).toContain('/api/v1/auth/')
    expect(message).not.toContain(token)
    return error
  }
  expect(await codeOf(await fetch(`${server.url}/api/v1/events/stream`))).toBe('token_missing')
  expect(await codeOf(await post(server, exchange))).toBe('token_missing')
  expect(await codeOf((await openStream(server, { token: `${token.slice(0, -4)}AAAA` })).response)).toBe(
    'token_invalid',
  )
  const unsigned = `${btoa('{"alg":"none","typ":"sse+jwt"}')}.${token.split('.')[1]}.`
  expect(await codeOf((await openStream(server, { token: unsigned })).response)).toBe('token_invalid')
  now += 302_000
  expect(await codeOf((await openStream(server, { token })).response)).toBe('token_expired')
})

test.each(['access_token=abc', 'token=abc', 'jwt=x', 'x=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.'])(
  'A1 a token in the query is refused, whatever its name: %s',
  async (query) => {
    const server = await start()
    const response = await fetch(`${server.url}/api/v1/events/stream?${query}`, {
      headers: { Authorization: `Bearer ${await tokenFor(server, 'alice', 'sse')}` },
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'token_in_url' })
  },
)

test('A1 the log of requests holds no token', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'sse')
  await openStream(server, { token })
  await fetch(`${server.url}/api/v1/events/stream?token=${token}`)
  const text = await (await fetch(`${server.url}/debug/requests`)).text()
  expect(JSON.parse(text).requests).toMatchObject([
    { method: 'GET', url: '/api/v1/events/stream', credential: 'header', lastEventId: null, status: 200 },
    { url: '/api/v1/events/stream?token=...', status: 400 },
  ])
  expect(text).not.toContain(token.split('.')[2])
})

test('a wrong password, an unknown user and an inherited name are all refused alike', async () => {
  const server = await start()
  for (const [user, password] of [
    ['alice', 'x'],
    ['nobody', ''],
    ['constructor', ''],
    ['alice', ''],
  ]) {
    const response = await post(server, '/api/v1/auth/login', { user, password })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: 'login_refused' })
  }
})

test('a new tab gets an access token from the cookie of the log-in, until log-out', async () => {
  const server = await start()
  const { cookies } = await logIn(server)
  const send = (path: string, cookie: string) =>
    fetch(server.url + path, { method: 'POST', headers: { ...fromPage(server), Cookie: cookie } })
  const refresh = (cookie: string) => send('/api/v1/auth/refresh', cookie)
  const answer = (await (await refresh(cookies)).json()) as { access_token: string; user: string }
  expect(answer.user).toBe('alice')
  expect((await post(server, exchange, undefined, answer.access_token)).status).toBe(200)
  const out = await send('/api/v1/auth/logout', cookies)
  expect(out.status).toBe(204)
  expect((await refresh(cookiesOf(out))).status).toBe(401)
  // The old cookie as well: it is void, not merely forgotten.
  expect(await (await refresh(cookies)).json()).toMatchObject({ error: 'token_revoked' })
})

test('a restart of the server leaves tokens valid', async () => {
  const dataDir = temporaryDirectory()
  const before = await start({ dataDir })
  const token = await tokenFor(before, 'alice', 'sse')
  await before.close()
  expect((await openStream(await start({ dataDir }), { token })).response.status).toBe(200)
})

test('A3 R5 two clients of one browser have a cookie each: an exchange puts nobody else out', async () => {
  const server = await start()
  const exchangeFor = async (user: string, client: string) =>
    cookiesOf(
      await fetch(server.url + exchange, {
        method: 'POST',
        headers: {
          ...fromPage(server),
          Authorization: `Bearer ${await tokenFor(server, user, 'access')}`,
          'Stream-Client': client,
        },
      }),
    )
  const jar = [await exchangeFor('alice', 'one'), await exchangeFor('bob', 'two')].join('; ')
  for (const client of ['one', 'two'])
    expect((await openStream(server, { cookie: jar, client })).response.status).toBe(200)
  expect(server.connections().users).toEqual({ alice: 1, bob: 1 })
})

test('A3 R5 a token that was given to one Stream-Client opens the stream of no other', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'access')
  const exchanged = await fetch(server.url + exchange, {
    method: 'POST',
    headers: { ...fromPage(server), Authorization: `Bearer ${token}`, 'Stream-Client': 'one' },
  })
  const cookie = cookiesOf(exchanged)
  // By the name of another client's cookie, or by no client's: the token itself says whose it is.
  for (const name of ['sse_token', createCookies(false).sse('two').name]) {
    const moved = cookie.replace(/^sse_token_[0-9a-f]+/, name)
    const other = await openStream(server, { cookie: moved, client: 'two' })
    expect(other.response.status).toBe(401)
    expect(await other.response.json()).toMatchObject({ error: 'token_of_another_client' })
  }
  expect((await openStream(server, { cookie, client: 'two' })).response.status).toBe(401)
  expect((await openStream(server, { cookie })).response.status).toBe(403)
  expect((await openStream(server, { cookie, client: 'one' })).response.status).toBe(200)
})
