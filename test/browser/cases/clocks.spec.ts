import type { ServerResponse } from 'node:http'
import { createStreams, eventually, expect, frame, RETRY, test } from './fixtures.ts'

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) =>
  void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))

const seconds = () => Math.floor(Date.now() / 1_000)
const EXPIRIES: [
  what: string,
  tellsOfIt: boolean,
  answer: () => [body: object, headers?: Record<string, string>],
][] = [
  ['a life in seconds, `expires_in`', false, () => [{ expires_in: 600 }]],
  [
    'a clock five minutes behind, which `Date` tells',
    false,
    () => [{ expires_at: seconds() - 300 + 600 }, { date: new Date(Date.now() - 300_000).toUTCString() }],
  ],
  [
    'a clock five minutes ahead, which `Date` tells',
    false,
    () => [{ expires_at: seconds() + 300 + 600 }, { date: new Date(Date.now() + 300_000).toUTCString() }],
  ],
  ['an end that is over already', true, () => [{ expires_at: seconds() - 300 }]],
  ['a life of nothing', true, () => [{ expires_in: 0 }]],
  ['a life below nothing', true, () => [{ expires_in: -60 }]],
  [
    'an end without a zone',
    true,
    () => [{ expires_at: new Date(Date.now() - 7_200_000).toISOString().replace('Z', '') }],
  ],
  ['an end that is no date', true, () => [{ expires_at: 'soon' }]],
]

for (const [what, tellsOfIt, answer] of EXPIRIES)
  test(`A2 a token endpoint with ${what}: one exchange, ${tellsOfIt ? 'one error that tells of it' : 'no error'}, and another when the server says 401`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let valid = 1
    let exchanges = 0
    const server = await serve({
      '/token': (_request, response) => {
        const [body, headers] = answer()
        json(response, { sse_token: `token-${++exchanges}`, ...body }, headers)
      },
      '/stream': ({ headers }, response) => {
        if (headers.authorization !== `Bearer token-${valid}`) return void response.writeHead(401).end()
        streams.open(response)
      },
    })
    const tab = await visit(server, { exchange: '/token', token: 'access' })
    await tab.until('open')
    // An exchange a moment, as a clock that lies has asked for, would show meanwhile.
    const start = Date.now()
    for (let n = 1; Date.now() - start < 2_500; n++) {
      streams.write(frame(n))
      await tab.received(n)
    }
    expect(exchanges).toBe(1)
    expect(server.requestsOf('/stream')).toHaveLength(1)
    expect((await tab.record()).errors).toHaveLength(tellsOfIt ? 1 : 0)
    valid = 2
    streams.end()
    await eventually(() => exchanges).toBe(2)
    await tab.until('open')
    const { errors } = await tab.record()
    expect(errors.filter(({ message }) => /clock|expire/i.test(message))).toHaveLength(tellsOfIt ? 1 : 0)
  })

test('A2 a token endpoint of another origin whose `Date` cannot be read: one exchange, and one error that says to expose it', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let exchanges = 0
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'authorization, content-type, stream-client, last-event-id',
  }
  const app = await serve({ '/stream': (_request, response) => streams.open(response, RETRY) })
  const api = await serve({
    '/token': ({ method }, response) => {
      if (method === 'OPTIONS') return void response.writeHead(204, cors).end()
      json(response, { sse_token: `token-${++exchanges}`, expires_at: seconds() - 300 }, cors)
    },
  })
  const tab = await visit(app, { exchange: `${api.url}/token`, token: 'access' })
  await tab.until('open')
  const start = Date.now()
  for (let n = 1; Date.now() - start < 2_500; n++) {
    streams.write(frame(n))
    await tab.received(n)
  }
  expect(exchanges).toBe(1)
  const { errors } = await tab.record()
  expect(errors).toHaveLength(1)
  expect(errors[0]!.message).toMatch(/Date|expires_in/)
})
