import {
  createStreams,
  eventually,
  expect,
  firstError,
  frame,
  lookAt,
  openStream,
  range,
  resetsOf,
  serveWorker,
  test,
} from './fixtures.ts'

test('S4 a server that sends one event a connection is tried again after about its `retry:` each time', async ({
  serve,
  visit,
}) => {
  let n = 0
  const server = await serve({
    '/stream': (_request, response) => {
      openStream(response, `retry: 300\n\n${frame(++n)}`)
      response.end()
    },
  })
  const tab = await visit(server)
  // Twelve waits that doubled would take minutes.
  await tab.received(12, 15_000)
  expect((await tab.numbers()).slice(0, 12)).toEqual(range(1, 12))
  expect(await resetsOf(tab)).toEqual([])
  const at = server.requestsOf('/stream').map((request) => request.at)
  // Half of `retry:` at least; a timer and the network only add to it.
  for (let each = 1; each < at.length; each++) expect(at[each]! - at[each - 1]!).toBeGreaterThanOrEqual(145)
})

test('S4 a server that confirms a resumption and ends is tried again without growth; one that gives nothing is not', async ({
  serve,
  visit,
}) => {
  const server = await serve({
    '/confirms': ({ headers }, response) => {
      const resumed = headers['last-event-id'] !== undefined
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        ...(resumed ? { 'stream-resume': 'continue' } : {}),
      })
      response.end(`retry: 100\n${resumed ? '' : 'id: 1\ndata: {"n":1}\n'}\n`)
    },
    '/nothing': (_request, response) => {
      openStream(response, 'retry: 100\n\n')
      response.end()
    },
  })
  await visit(server, { url: '/confirms' })
  const nothing = await visit(server, { url: '/nothing' })
  await eventually(() => server.requestsOf('/confirms').length, { timeout: 20_000 }).toBeGreaterThan(14)
  expect(server.requestsOf('/nothing').length).toBeLessThan(server.requestsOf('/confirms').length)
  await eventually(async () => (await nothing.status()).attempt, { timeout: 20_000 }).toBeGreaterThan(3)
})

for (const again of ['a reload', 'reconnect()'] as const)
  test(`S6 a 204 ends the stream, and ${again} tries again`, async ({ serve, visit }) => {
    const streams = createStreams()
    let over = true
    const server = await serve({
      '/stream': (_request, response) => {
        if (over) return void response.writeHead(204).end()
        streams.open(response)
      },
    })
    const tab = await visit(server)
    await tab.until('closed')
    expect(server.requestsOf('/stream').length).toBe(1)
    over = false
    if (again === 'a reload') {
      await tab.page.reload()
      await tab.page.evaluate(() => void window.start({ url: '/stream', user: 'ada', exchange: null }))
    } else await tab.page.evaluate(() => window.stream.reconnect())
    await tab.until('open')
    streams.write(frame(1))
    await tab.received(1)
  })

test('S6 reconnect() during an attempt aborts it and begins anew: a 401 that comes late costs nothing', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let aborted = false
  const server = await serve({
    '/stream': ({ headers }, response) => {
      if (headers.authorization === 'Bearer fresh') return streams.open(response)
      response.on('close', () => {
        aborted = true
      })
      setTimeout(() => response.writeHead(401).end(), 8_000)
    },
  })
  const tab = await visit(server, { token: 'stale' })
  await eventually(() => server.requestsOf('/stream').length).toBe(1)
  await tab.page.evaluate(() => {
    window.token = 'fresh'
    window.stream.reconnect()
  })
  // Earlier than the first attempt's answer.
  await tab.until('open', 6_000)
  expect(aborted).toBe(true)
  streams.write(frame(1))
  await tab.received(1)
  expect((await tab.record()).errors).toEqual([])
})

for (const redirected of [false, true])
  test(`S6 a log-in page in place of the stream${redirected ? ', by a redirect,' : ''} is an error that says so, and the stream opens once the user is back`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let loggedIn = false
    const page = { 'content-type': 'text/html; charset=utf-8' }
    const server = await serve({
      '/stream': (_request, response) => {
        if (loggedIn) return streams.open(response)
        if (redirected) return void response.writeHead(302, { location: '/login' }).end()
        response.writeHead(200, page).end('<form action="/login"></form>')
      },
      '/login': (_request, response) => response.writeHead(200, page).end('<form action="/login"></form>'),
    })
    const tab = await visit(server)
    const error = await firstError(tab)
    expect(error).toMatchObject({ kind: redirected ? 'auth' : 'protocol', retryable: true })
    expect(error.message).toMatch(/log-?in/i)
    loggedIn = true
    await lookAt(tab.page)
    await tab.until('open')
    streams.write(frame(1))
    await tab.received(1)
  })

test('S3 a server that sends no byte before its first event: the error says to write a comment, and names proxies', async ({
  serve,
  visit,
}) => {
  const server = await serve({ '/stream': () => {} })
  const tab = await visit(server, { connect: { heartbeat: { timeout: 1_000, misses: 2 } } })
  const { message } = await firstError(tab)
  expect(message).toMatch(/comment/i)
  expect(message).toMatch(/prox/i)
  expect(message).toMatch(/compress/i)
})

test('S5 navigator.onLine is a hint: a browser that says offline opens the stream, and opens it again after a cut', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({
    '/worker.js': serveWorker("Object.defineProperty(navigator, 'onLine', { get: () => false })"),
    '/stream': (_request, response) => streams.open(response),
  })
  const tab = await visit(server, { worker: '/worker.js' })
  await tab.until('open')
  streams.write(frame(1))
  await tab.received(1)
  streams.end()
  await eventually(() => server.requestsOf('/stream').length, { timeout: 20_000 }).toBe(2)
  await tab.until('open')
  streams.write(frame(2))
  await tab.received(2)
})
