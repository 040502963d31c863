import type { Answer } from '../odd-server.ts'
import { createStreams, expect, firstError, frame, serveWorker, test } from './fixtures.ts'

const BROKEN: [what: string, answer: Answer][] = [
  ['503', (_request, response) => void response.writeHead(503, { 'retry-after': '1' }).end()],
  ['404', (_request, response) => void response.writeHead(404).end('not found')],
  [
    'a page of HTML',
    (_request, response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Deploying</h1>'),
  ],
  ['nothing, and breaks off', (_request, response) => void response.destroy()],
  [
    'a script that does not parse',
    (_request, response) =>
      void response.writeHead(200, { 'content-type': 'text/javascript' }).end('const ='),
  ],
]

for (const [what, broken] of BROKEN)
  test(`T2 a worker's script that answers ${what} at first: \`waiting\` with a retryable error, then \`open\`, without a reload`, async ({
    browserName,
    serve,
    visit,
  }) => {
    const streams = createStreams()
    let deployed = false
    const server = await serve({
      '/worker.js': (request, response) => (deployed ? serveWorker() : broken)(request, response),
      '/stream': (_request, response) => streams.open(response),
    })
    const tabs = [
      await visit(server, { worker: '/worker.js' }),
      await visit(server, { worker: '/worker.js' }),
    ]
    for (const tab of tabs) {
      await tab.until('waiting')
      expect(await firstError(tab)).toMatchObject({ kind: 'worker', retryable: true, state: 'waiting' })
    }
    // It is not hammered either: two tabs try three ways to start a worker, and wait for 1 s, 2 s, 4 s and so on.
    expect(server.requestsOf('/worker.js').length).toBeLessThan(100)
    deployed = true
    for (const tab of tabs) {
      await tab.until('open', 20_000)
      // Firefox gives the name of a SharedWorker that failed free only when it has collected that of every tab. Until
      // then each tab has a worker of its own.
      if (browserName === 'chromium') expect((await tab.status()).host).toBe('shared-worker')
    }
    streams.write(frame(1))
    for (const tab of tabs) await tab.received(1)
    expect(streams.count()).toBe(1)
  })
