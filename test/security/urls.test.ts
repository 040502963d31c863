import { expect, test } from 'vitest'
import { resolveEndpoint } from '../../src/endpoint.ts'
import { start, tokenFor } from '../server/start.ts'
import { until } from '../server/stream.ts'

const jws = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln'
const jwe = 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn'

/** Queries that carry a credential, by name, by look, or with neither. */
const credentials = [
  'access_token=abc',
  'token=abc',
  'jwt_token=x',
  'session_token=x',
  'stream_token=x',
  'client_secret=x',
  'private_key=x',
  'x-api-key=x',
  'apiKey=x',
  'PASSWORD=x',
  `x=${jws}`,
  `x=${jwe}`,
  jws,
  jwe,
  `a=1&${jws}`,
  `x=Bearer%20abc`,
]

test.each(credentials)('A1 library and server refuse the same URLs: ?%s', async (query) => {
  const server = await start()
  const path = `/api/v1/events/stream?${query}`
  expect(() => resolveEndpoint(path, server.url, 'url')).toThrow(/credential/)
  const headers = { Authorization: `Bearer ${await tokenFor(server, 'alice', 'sse')}` }
  const response = await fetch(server.url + path, { headers })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: 'token_in_url' })
})

test.each(['pageToken=2', 'next_token=x', 'since=1', 'author=me', ''])(
  'A1 library and server take the same URLs: ?%s',
  async (query) => {
    const server = await start()
    const path = `/api/v1/events/stream?${query}`
    expect(resolveEndpoint(path, server.url, 'url')).toBe(server.url + (query === '' ? `${path}` : path))
    const abort = new AbortController()
    const headers = { Authorization: `Bearer ${await tokenFor(server, 'alice', 'sse')}` }
    const response = await fetch(server.url + path, { headers, signal: abort.signal })
    abort.abort()
    expect(response.status).toBe(200)
  },
)

test('A1 no log holds a credential that was in a URL, whether it had a name or not', async () => {
  const lines: string[] = []
  const server = await start({ logger: { write: (line) => void lines.push(line) } })
  for (const query of credentials) await fetch(`${server.url}/api/v1/events/stream?${query}`)
  await until(() => lines.filter((line) => line.includes('"statusCode":400')).length === credentials.length)
  const requests = await (await fetch(`${server.url}/debug/requests`)).text()
  for (const text of [lines.join(''), requests]) {
    expect(text).not.toContain('eyJ')
    expect(text).not.toContain('abc')
  }
})
