import type { Tab } from '../tab.ts'
import { createStreams, eventually, expect, frame, RETRY, resetsOf, test } from './fixtures.ts'

const hasPosition = (id: string | string[] | undefined) => id !== undefined

const positionsOf = (requests: { lastEventId: string | undefined }[]) =>
  requests.map(({ lastEventId }) => lastEventId)

const expectResets = async (tabs: Tab[], reasons: string[]) => {
  for (const tab of tabs) await eventually(() => resetsOf(tab), { timeout: 20_000 }).toEqual(reasons)
}

for (const status of [400, 404, 412, 500]) {
  test(`S7 a server that answers ${status} to a position costs one reset{position-lost}, and the stream goes on without it`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let opened = 0
    const server = await serve({
      '/stream': ({ headers }, response) => {
        if (hasPosition(headers['last-event-id'])) return void response.writeHead(status).end()
        streams.open(response, RETRY + frame(++opened === 1 ? 1 : 9))
      },
    })
    const tabs = [await visit(server), await visit(server)]
    await tabs[0]!.received(1)
    await tabs[1]!.until('open')
    await tabs[0]!.committed()
    streams.end()
    await expectResets(tabs, ['position-lost'])
    for (const tab of tabs) await tab.received(9)
    expect(await tabs[0]!.numbers()).toEqual([1, 9])
    // One attempt without the position after three with it; once more with it; then it is given up.
    expect(positionsOf(server.requestsOf('/stream'))).toEqual([
      undefined,
      ...['1', '1', '1'],
      undefined,
      '1',
      undefined,
    ])
  })
}

test('S7 D6 a position that the server refuses after a restart of the hub is given up, and the new tab is told', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({
    '/stream': ({ headers }, response) => {
      if (hasPosition(headers['last-event-id'])) return void response.writeHead(400).end()
      streams.open(response, RETRY + frame(1))
    },
  })
  const before = await visit(server)
  await before.received(1)
  await before.committed()
  await before.harm('close')
  await before.close()
  await eventually(() => streams.count()).toBe(0)
  const after = await visit(server)
  await expectResets([after], ['position-lost'])
  await after.until('open')
  await after.received(1)
})

test('S7 a server that fails three times and is back when it is tried without a position costs no reset', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let failures = 3
  const server = await serve({
    '/stream': ({ headers }, response) => {
      const id = headers['last-event-id']
      if (id === undefined)
        // Only the first one is a beginning: another that began here would lack event 2.
        return streams.open(response, RETRY + frame(server.requestsOf('/stream').length === 1 ? 1 : 3))
      if (failures-- > 0) return void response.writeHead(500).end()
      streams.open(response, RETRY + frame(2) + frame(3))
    },
  })
  const tab = await visit(server)
  await tab.received(1)
  streams.end()
  await tab.received(3)
  await tab.until('open')
  expect(await tab.numbers()).toEqual([1, 2, 3])
  expect(await resetsOf(tab)).toEqual([])
  expect(positionsOf(server.requestsOf('/stream'))).toEqual([undefined, '1', '1', '1', undefined, '1'])
})

test('S7 a server that fails with and without a position keeps the position: what was missed arrives', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let down = false
  const server = await serve({
    '/stream': ({ headers }, response) => {
      if (down) return void response.writeHead(502).end()
      streams.open(response, RETRY + frame(hasPosition(headers['last-event-id']) ? 2 : 1))
    },
  })
  const tab = await visit(server)
  await tab.received(1)
  down = true
  streams.end()
  await eventually(() => server.requestsOf('/stream').length, { timeout: 20_000 }).toBeGreaterThan(6)
  down = false
  await tab.received(2, 45_000)
  expect(await tab.numbers()).toEqual([1, 2])
  expect(await resetsOf(tab)).toEqual([])
  expect(server.requestsOf('/stream').at(-1)?.lastEventId).toBe('1')
})

for (const status of [401, 408, 425, 429]) {
  test(`S7 an answer of ${status} says nothing of a position: it is sent with every attempt`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let refusals = 0
    const server = await serve({
      '/stream': ({ headers }, response) => {
        if (!hasPosition(headers['last-event-id'])) return streams.open(response, RETRY + frame(1))
        if (refusals++ < 4) return void response.writeHead(status).end()
        streams.open(response, RETRY + frame(2))
      },
    })
    const tab = await visit(server)
    await tab.received(1)
    streams.end()
    for (let attempts = 2; attempts <= 5; attempts++) {
      await eventually(() => server.requestsOf('/stream').length, { timeout: 30_000 }).toBeGreaterThanOrEqual(
        attempts,
      )
      // Without a token to change, only somebody who logs in again ends a 401.
      await tab.page.evaluate(() => window.stream.reconnect())
    }
    await tab.received(2, 30_000)
    expect(positionsOf(server.requestsOf('/stream')).slice(1)).not.toContain(undefined)
    expect(await resetsOf(tab)).toEqual([])
  })
}

test('I2 S7 dropLog() gives up a position that the server refuses: the next attempt goes without it', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({
    '/stream': ({ headers }, response) => {
      if (hasPosition(headers['last-event-id'])) return void response.writeHead(503).end()
      // So long that three attempts do not pass before the log is dropped.
      streams.open(response, `retry: 3000\n\n${frame(server.requestsOf('/stream').length === 1 ? 1 : 9)}`)
    },
  })
  const tab = await visit(server)
  await tab.received(1)
  streams.end()
  await eventually(() => server.requestsOf('/stream').length).toBe(2)
  await tab.page.evaluate(() => window.stream.dropLog())
  await tab.received(9)
  // Where the fresh stream stands. Once more at the call, if an attempt happened to be under way.
  expect([...new Set(await resetsOf(tab))]).toEqual(['dropped'])
  const positions = positionsOf(server.requestsOf('/stream'))
  // Fewer than the three refusals after which a position is given up anyway.
  expect(positions.filter((each) => each === '1').length).toBeLessThan(3)
})

const CORS = { 'access-control-allow-origin': '*' }

test('S7 another origin that does not allow Last-Event-ID: the stream comes back with a reset, and an error names the header', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let opened = 0
  const app = await serve()
  const api = await serve({
    '/stream': ({ method }, response) => {
      if (method === 'OPTIONS') return void response.writeHead(204, CORS).end()
      streams.open(response, RETRY + frame(++opened === 1 ? 1 : 9), CORS)
    },
  })
  const tab = await visit(app, { url: `${api.url}/stream` })
  await tab.received(1)
  streams.end()
  await tab.received(9, 30_000)
  expect(await resetsOf(tab)).toEqual(['position-lost'])
  await eventually(
    async () => (await tab.record()).errors.filter(({ kind }) => kind === 'protocol').length,
  ).toBe(1)
  const { errors } = await tab.record()
  expect(errors.find(({ kind }) => kind === 'protocol')!.message).toContain(
    'Access-Control-Allow-Headers: Last-Event-ID',
  )
})

test('S7 another origin that is unreachable for a while costs no reset', async ({ serve, visit }) => {
  const streams = createStreams()
  let down = false
  const app = await serve()
  const api = await serve({
    '/stream': ({ method, headers }, response) => {
      if (down) return void response.destroy()
      if (method === 'OPTIONS')
        return void response
          .writeHead(204, { ...CORS, 'access-control-allow-headers': 'Last-Event-ID' })
          .end()
      streams.open(response, RETRY + frame(hasPosition(headers['last-event-id']) ? 2 : 1), CORS)
    },
  })
  const tab = await visit(app, { url: `${api.url}/stream` })
  await tab.received(1)
  down = true
  streams.end()
  await eventually(() => api.requestsOf('/stream').length, { timeout: 30_000 }).toBeGreaterThan(6)
  down = false
  await tab.received(2, 45_000)
  expect(await tab.numbers()).toEqual([1, 2])
  expect(await resetsOf(tab)).toEqual([])
})

test('S7 `lastEventId: { query }` sends the position in the URL: another origin needs no preflight, and nothing is lost', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const app = await serve()
  const api = await serve({
    '/stream': ({ method, url }, response) => {
      if (method === 'OPTIONS') return void response.writeHead(403).end()
      const after = Number(new URL(url!, 'http://localhost').searchParams.get('lastEventID') ?? 0)
      streams.open(response, RETRY + frame(after + 1), CORS)
    },
  })
  const tab = await visit(app, {
    url: `${api.url}/stream?topic=books`,
    connect: { lastEventId: { query: 'lastEventID' } },
  })
  await tab.received(1)
  streams.end()
  await tab.received(2)
  expect(await tab.numbers()).toEqual([1, 2])
  expect(await resetsOf(tab)).toEqual([])
  const requests = api.requestsOf('/stream')
  expect(requests.map(({ query }) => query.get('lastEventID'))).toEqual([null, '1'])
  expect(requests.map(({ query }) => query.get('topic'))).toEqual(['books', 'books'])
  expect(positionsOf(requests)).toEqual([undefined, undefined])
})
