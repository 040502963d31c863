import type { ServerResponse } from 'node:http'
import { createStreams, eventually, expect, frame, lookAt, serveWorker, test } from './fixtures.ts'

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) =>
  void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))

for (const [what, refuse] of [
  ['401', (response: ServerResponse) => void response.writeHead(401).end()],
  ['503', (response: ServerResponse) => void response.writeHead(503).end()],
  ['nothing, and breaks off', (response: ServerResponse) => void response.destroy()],
] as const)
  test(`A2 a token endpoint that answers ${what} for the first seconds of a session: open without a reload`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let ready = false
    const server = await serve({
      '/token': (_request, response) => {
        if (!ready) return refuse(response)
        json(response, { sse_token: 'good', expires_in: 600 })
      },
      '/stream': ({ headers }, response) => {
        if (headers.authorization !== 'Bearer good') return void response.writeHead(401).end()
        streams.open(response)
      },
    })
    const tab = await visit(server, { exchange: '/token', token: 'early' })
    await eventually(async () => (await tab.record()).errors.length, { timeout: 15_000 }).toBeGreaterThan(0)
    const refused = server.requestsOf('/token').length
    // The session is known to the server from here on.
    ready = true
    await tab.until('open', 20_000)
    streams.write(frame(1))
    await tab.received(1)
    expect(refused).toBeLessThan(6)
    expect(server.requestsOf('/stream')).toHaveLength(1)
  })

test('A2 a token that the server refused is not sent again, and the next one that the application has opens the stream', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({
    '/stream': ({ headers }, response) => {
      if (headers.authorization !== 'Bearer fresh') return void response.writeHead(401).end()
      streams.open(response)
    },
  })
  const tabs = [await visit(server, { token: 'stale' }), await visit(server, { token: 'stale' })]
  await tabs[0]!.until('unauthorized')
  const asked = async () => (await tabs[0]!.record()).tokensAsked + (await tabs[1]!.record()).tokensAsked
  const before = await asked()
  await eventually(asked, { timeout: 30_000 }).toBeGreaterThan(before + 1)
  expect(server.requestsOf('/stream')).toHaveLength(1)
  for (const { page } of tabs)
    await page.evaluate(() => {
      window.token = 'fresh'
    })
  for (const tab of tabs) await tab.until('open', 20_000)
  expect(server.requestsOf('/stream')).toHaveLength(2)
})

test('A2 reconnect() sends a refused token again: the server may have learned of the session', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let known = false
  const server = await serve({
    '/stream': (_request, response) => {
      if (!known) return void response.writeHead(401).end()
      streams.open(response)
    },
  })
  const tab = await visit(server, { token: 'same' })
  await tab.until('unauthorized')
  known = true
  await tab.page.evaluate(() => window.stream.reconnect())
  await tab.until('open', 5_000)
})

for (const early of [null, 'reject'])
  test(`A2 getAccessToken that ${early === null ? 'gives nothing' : 'fails'} until somebody has logged in: open by itself, without a request before`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    const server = await serve({ '/stream': (_request, response) => streams.open(response) })
    const tab = await visit(server, { token: early })
    await eventually(async () => (await tab.record()).tokensAsked, { timeout: 20_000 }).toBeGreaterThan(1)
    expect(server.requestsOf('/stream')).toEqual([])
    await tab.page.evaluate(() => {
      window.token = 'there'
    })
    await tab.until('open', 20_000)
    streams.write(frame(1))
    await tab.received(1)
  })

test('A2 a page that is looked at asks for the token at once, however long the pause has grown', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({ '/stream': (_request, response) => streams.open(response) })
  const tab = await visit(server, { token: null })
  await eventually(async () => (await tab.record()).tokensAsked, { timeout: 30_000 }).toBeGreaterThan(3)
  await tab.page.evaluate(() => {
    window.token = 'there'
  })
  await lookAt(tab.page)
  await tab.until('open', 3_000)
})

test('A2 S5 a worker that comes online asks for the token at once, however long the pause has grown', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const goOnline =
    "new BroadcastChannel('test: online').onmessage = () => self.dispatchEvent(new Event('online'))"
  const server = await serve({
    '/worker.js': serveWorker(goOnline),
    '/stream': (_request, response) => streams.open(response),
  })
  const tab = await visit(server, { token: null, worker: '/worker.js' })
  await eventually(async () => (await tab.record()).tokensAsked, { timeout: 30_000 }).toBeGreaterThan(3)
  await tab.page.evaluate(() => {
    window.token = 'there'
    new BroadcastChannel('test: online').postMessage(null)
  })
  await tab.until('open', 3_000)
})
