import {
  createStreams,
  eventually,
  expect,
  firstError,
  frame,
  lookAt,
  RETRY,
  range,
  serveWorker,
  test,
} from './fixtures.ts'

for (const how of ['looked at', 'online'] as const)
  test(`T2 a page that is ${how} tries a worker's script that did not load at once`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let deployed = false
    const server = await serve({
      '/worker.js': (request, response) =>
        deployed ? serveWorker()(request, response) : void response.writeHead(503).end(),
      '/stream': (_request, response) => streams.open(response),
    })
    const tab = await visit(server, { worker: '/worker.js' })
    await eventually(async () => (await tab.record()).errors.length, { timeout: 30_000 }).toBeGreaterThan(2)
    deployed = true
    if (how === 'looked at') await lookAt(tab.page)
    else await tab.page.evaluate(() => window.dispatchEvent(new Event('online')))
    await tab.until('open', 4_000)
  })

test('T2 a SharedWorker that failed to load once does not leave the tab on a dedicated Worker for its life', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  let failures = 0
  let sent = 0
  const server = await serve({
    '/worker.js': (request, response) => {
      // Both ways to a SharedWorker fail once; the dedicated Worker would load.
      if (request.headers['sec-fetch-dest'] === 'sharedworker' && failures++ < 2)
        return void response.writeHead(503).end()
      serveWorker()(request, response)
    },
    // The tab may move at any moment, and then resumes.
    '/stream'({ headers }, response) {
      const missed = range(Number(headers['last-event-id'] ?? 0) + 1, sent)
      streams.open(response, RETRY + missed.map((n) => frame(n)).join(''))
    },
  })
  const send = () => streams.write(frame(++sent))
  const tab = await visit(server, { worker: '/worker.js' })
  await tab.until('open', 20_000)
  send()
  await tab.received(1)
  await lookAt(tab.page)
  await eventually(async () => (await tab.status()).host, { timeout: 40_000 }).toBe('shared-worker')
  await tab.until('open')
  send()
  await tab.received(2)
  expect(await tab.numbers()).toEqual([1, 2])
  expect((await tab.record()).resets).toEqual([])
})

test('T2 a worker file that never calls serve() is `failed` within 10 s, and the error names serve()', async ({
  serve,
  visit,
}) => {
  const server = await serve({
    '/worker.js': (_request, response) =>
      void response.writeHead(200, { 'content-type': 'text/javascript' }).end('export {}'),
  })
  const tab = await visit(server, { worker: '/worker.js' })
  // 10 s are promised; the rest is for a busy machine.
  await tab.until('failed', 13_000)
  expect((await firstError(tab)).message).toContain('serve()')
  expect(await tab.page.evaluate(async () => (await window.stream.inspect()).status.state)).toBe('failed')
})

for (const [what, script] of [
  ['throws', "throw new Error('boom')"],
  ['does not parse', 'let = = 3'],
] as const)
  test(`T2 a Worker's file that ${what} is no uncaught error of the page: \`waiting\`, and tried again`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let deployed = false
    const server = await serve({
      '/worker.js': (request, response) => {
        if (deployed) return serveWorker()(request, response)
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
      },
      '/stream': (_request, response) => streams.open(response),
    })
    const tab = await visit(server, { worker: '/worker.js', host: 'worker' })
    await eventually(async () => (await tab.status()).state).toBe('waiting')
    const { kind, retryable, cause } = await firstError(tab)
    expect([kind, retryable]).toEqual(['worker', true])
    if (what === 'throws') expect(cause).toContain('boom')
    deployed = true
    await tab.until('open', 20_000)
    expect((await tab.record()).reported).toEqual([])
  })
