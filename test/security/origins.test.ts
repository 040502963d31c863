import { request } from 'node:http'
import { expect, test } from 'vitest'
import { createOrigins } from '../../demo/server/http/origins.ts'
import { cookiesOf, post, start, tokenFor } from '../server/start.ts'
import { openStream } from '../server/stream.ts'

const app = 'https://app.example'
const exchange = '/api/v1/auth/sse-token'
const stream = '/api/v1/events/stream'

/** Each resembles the allowed origin, or this server's, in one way that a careless comparison falls for. */
const hostile = [
  'null',
  'NULL',
  '*',
  'https://evil.example',
  'https://app.example.evil.example',
  'https://evil-app.example',
  'https://evilapp.example',
  'https://sub.app.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example:443',
  'https://app.example/',
  'https://app.example.',
  'https://APP.example',
  'https://app.example@evil.example',
  'https://app.example, https://evil.example',
  'https://app.example%00.evil.example',
  'https://аpp.example'.normalize(),
  'https://app_example',
  'file://',
  'http://127.0.0.1',
  'http://localhost.evil.example',
  'chrome-extension://abcdefghijklmnop',
]

interface Raw {
  method?: string
  path: string
  headers: Record<string, string>
}

/** Sends what `fetch` refuses to: any Origin, any Host. */
const raw = (port: number, { method = 'GET', path, headers }: Raw) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((done, fail) => {
    // A header is bytes: the look-alike letter goes out as its UTF-8.
    const bytes = Object.entries(headers).map(([name, value]) => [
      name,
      Buffer.from(value).toString('latin1'),
    ])
    const sent = request({ port, host: '127.0.0.1', method, path, headers: Object.fromEntries(bytes) })
    sent.on('error', fail)
    sent.on('response', (response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body }))
    })
    sent.end()
  })

/** The status alone: a stream's body has no end. `fetch` sets Sec-Fetch headers as it likes. */
const openWith = (port: number, headers: Record<string, string>, signal: AbortSignal) =>
  new Promise<number>((done) => {
    const sent = request({ port, host: '127.0.0.1', path: stream, headers, signal })
    sent.on('error', () => {})
    sent.on('response', (response) => done(response.statusCode!))
    sent.end()
  })

test.each(hostile)('A6 the hostile origin %s gets no CORS answer, no stream, no token', async (Origin) => {
  const server = await start({ allowedOrigins: [app] })
  const sse = await tokenFor(server, 'alice', 'sse')
  const access = await tokenFor(server, 'alice', 'access')
  const answers = [
    await raw(server.port, { path: stream, headers: { Origin, Authorization: `Bearer ${sse}` } }),
    await raw(server.port, {
      method: 'POST',
      path: exchange,
      headers: { Origin, Authorization: `Bearer ${access}` },
    }),
    await raw(server.port, { path: '/api/v1/novel', headers: { Origin, Authorization: `Bearer ${access}` } }),
    await raw(server.port, { path: '/debug/connections', headers: { Origin } }),
    await raw(server.port, {
      method: 'OPTIONS',
      path: exchange,
      headers: {
        Origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization',
      },
    }),
  ]
  for (const { status, headers, body } of answers) {
    expect(status).toBe(403)
    expect(JSON.parse(body)).toMatchObject({ error: 'origin_foreign' })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect(headers.vary).toContain('Origin')
    expect(headers['set-cookie']).toBeUndefined()
  }
  expect(server.connections()).toMatchObject({ total: 0, opened: 0, refused: 0, peak: { total: 0 } })
})

test('A6 a foreign page on the stream ends no stream of the same client and takes nobody a place', async () => {
  const server = await start({ allowedOrigins: [app], streamsPerUser: 1 })
  const token = await tokenFor(server, 'alice', 'sse')
  await openStream(server, { token, client: 'one' })
  for (const headers of [
    { Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ]) {
    const { response } = await openStream(server, { token, client: 'one', headers })
    expect(response.status).toBe(403)
  }
  expect(server.connections()).toMatchObject({ total: 1, replaced: 0, refused: 0, opened: 1 })
})

test('A6 a foreign page uses up nobody’s rate limit', async () => {
  const server = await start({ exchangesPerUser: 1, authPerAddress: 1 })
  const access = await tokenFor(server, 'alice', 'access')
  for (let n = 0; n < 5; n++) {
    const { status } = await raw(server.port, {
      method: 'POST',
      path: exchange,
      headers: { Origin: 'https://evil.example', Authorization: `Bearer ${access}` },
    })
    expect(status).toBe(403)
  }
  expect((await post(server, exchange, undefined, access)).status).toBe(200)
})

test('A6 an allowed origin gets its own name, credentials, and the headers that the library reads', async () => {
  const server = await start({ allowedOrigins: ['https://other.example', app] })
  const token = await tokenFor(server, 'alice', 'sse')
  const { response } = await openStream(server, {
    token,
    lastEventId: 'nonsense',
    headers: { Origin: app, 'Sec-Fetch-Site': 'cross-site' },
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('access-control-allow-origin')).toBe(app)
  expect(response.headers.get('access-control-allow-credentials')).toBe('true')
  expect(response.headers.get('access-control-expose-headers')).toBe(
    'Date, Retry-After, Stream-Resume, Stream-Topics, Stream-User',
  )
  expect(response.headers.get('vary')).toContain('Origin')
  const preflight = await raw(server.port, {
    method: 'OPTIONS',
    path: stream,
    headers: {
      Origin: app,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,last-event-id,stream-client',
    },
  })
  expect(preflight.status).toBe(204)
  expect(String(preflight.headers['access-control-allow-headers']).toLowerCase()).toContain('stream-client')
})

test('A6 a refusal to an allowed origin can be read there: 401 and 429 carry CORS headers', async () => {
  const server = await start({ allowedOrigins: [app], streamsPerUser: 1, exchangesPerUser: 0 })
  await openStream(server)
  const limited = await openStream(server, { headers: { Origin: app } })
  const unknown = await openStream(server, { token: 'x', headers: { Origin: app } })
  const exchanged = await fetch(server.url + exchange, {
    method: 'POST',
    headers: { Origin: app, Authorization: `Bearer ${await tokenFor(server, 'alice', 'access')}` },
  })
  expect([limited.response.status, unknown.response.status, exchanged.status]).toEqual([429, 401, 429])
  for (const { headers } of [limited.response, unknown.response, exchanged]) {
    expect(headers.get('access-control-allow-origin')).toBe(app)
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After')
  }
})

test('A6 a cookie alone vouches for nothing: each route needs a trusted sender and a custom header', async () => {
  const server = await start()
  const login = await post(server, '/api/v1/auth/login', { user: 'alice', password: 'rabbit-hole' })
  const Cookie = cookiesOf(login)
  const send = async (path: string, headers: Record<string, string>) =>
    (await raw(server.port, { method: 'POST', path, headers: { Cookie, ...headers } })).status
  const custom = { 'X-Requested-With': 'fetch' }
  for (const path of ['/api/v1/auth/refresh', '/api/v1/auth/logout']) {
    expect(await send(path, {})).toBe(403)
    expect(await send(path, custom)).toBe(403)
    expect(await send(path, { Origin: server.url })).toBe(403)
    expect(await send(path, { 'Sec-Fetch-Site': 'same-origin' })).toBe(403)
    expect(await send(path, { 'Sec-Fetch-Site': 'none', ...custom })).toBe(403)
  }
  // None of the log-outs has logged anybody out.
  expect(await send('/api/v1/auth/refresh', { Origin: server.url, ...custom })).toBe(200)
  expect(await send('/api/v1/auth/refresh', { 'Sec-Fetch-Site': 'same-origin', ...custom })).toBe(200)
  expect(await send('/api/v1/auth/logout', { 'Sec-Fetch-Site': 'same-origin', ...custom })).toBe(204)
})

test('A6 a cookie is set for a page only, whereas a client without one may have its token in the answer', async () => {
  const server = await start()
  const Authorization = `Bearer ${await tokenFor(server, 'alice', 'access')}`
  const send = (mode: string) =>
    fetch(server.url + exchange, {
      method: 'POST',
      headers: { Authorization, 'Content-Type': 'application/json' },
      body: JSON.stringify({ mode }),
    })
  // Node's fetch says `Sec-Fetch-Mode` only: neither who sent it nor from where.
  expect((await send('cookie')).status).toBe(403)
  expect((await send('header')).status).toBe(200)
})

test('A6 the cookie opens a stream only beside the header that no image and no form can send', async () => {
  const server = await start()
  const exchanged = await post(server, exchange, undefined, await tokenFor(server, 'alice', 'access'))
  const cookie = cookiesOf(exchanged)
  const bare = await openStream(server, { cookie })
  expect(bare.response.status).toBe(403)
  expect(await bare.response.json()).toMatchObject({ error: 'csrf' })
  expect(server.connections().opened).toBe(0)
  expect((await openStream(server, { cookie, client: 'one' })).response.status).toBe(200)
})

test('A6 the browser’s own EventSource, which can send no header, opens a stream by the cookie from a page of ours', async () => {
  const server = await start()
  const exchanged = await post(server, exchange, undefined, await tokenFor(server, 'alice', 'access'))
  const bare = (site: string) =>
    raw(server.port, {
      path: stream,
      headers: { Host: `127.0.0.1:${server.port}`, Cookie: cookiesOf(exchanged), 'Sec-Fetch-Site': site },
    })
  for (const site of ['cross-site', 'same-site', 'none']) expect((await bare(site)).status).toBe(403)
  const own = { 'Sec-Fetch-Site': 'same-origin', Cookie: cookiesOf(exchanged) }
  const abort = new AbortController()
  const opened = await openWith(server.port, own, abort.signal)
  expect(opened).toBe(200)
  abort.abort()
})

test('A6 a name that was pointed at the loopback interface is foreign (DNS rebinding)', async () => {
  const server = await start()
  for (const Host of [
    'evil.example',
    `evil.example:${server.port}`,
    '127.0.0.1.evil.example',
    'localhost.evil',
  ])
    for (const path of ['/debug/connections', stream]) {
      const headers = { Host, Origin: `http://${Host}`, 'Sec-Fetch-Site': 'same-origin' }
      expect((await raw(server.port, { path, headers })).status).toBe(403)
      expect((await raw(server.port, { path, headers: { Host } })).status).toBe(403)
    }
  for (const Host of [`localhost:${server.port}`, '127.0.0.1', `[::1]:${server.port}`, 'a.localhost'])
    expect((await raw(server.port, { path: '/debug/connections', headers: { Host } })).status).toBe(200)
})

test('A6 another spelling of an address is guarded as the address is', async () => {
  const server = await start()
  const headers = { Origin: 'https://evil.example' }
  for (const path of [
    '/debug/connections',
    '/%64ebug/connections',
    '/debug/%63onnections',
    '//debug/connections',
  ])
    expect((await raw(server.port, { path, headers })).status).not.toBe(200)
})

test('A6 the page itself may be linked to from anywhere', async () => {
  const server = await start({ staticDir: new URL('../../demo', import.meta.url).pathname })
  const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }
  expect((await raw(server.port, { path: '/style.css', headers })).status).toBe(200)
})

test.each([
  'null',
  '*',
  'https://app.example/',
  'app.example',
  'https://app.example/path',
  'https://*.example',
  '',
])('A6 the server does not start with %s for an allowed origin', async (origin) => {
  await expect(start({ allowedOrigins: [origin] })).rejects.toThrow(/is no origin/)
  expect(() => createOrigins({ publicOrigin: origin, allowedOrigins: [] })).toThrow(/is no origin/)
})
