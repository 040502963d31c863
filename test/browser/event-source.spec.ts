import { fileURLToPath } from 'node:url'
import { expect, test } from 'playwright/test'
import type { Kind } from './app/event-source-scenarios.ts'
import { eventually } from './eventually.ts'
import { type Answer, type OddServer, openStream, startOddServer } from './odd-server.ts'

const dist = fileURLToPath(new URL('./app/dist', import.meta.url))

const RETRY = 'retry: 100\n\n'
/** What each scenario's server does at its first, second, ... request; the last one goes on. */
const servers: Record<string, Answer[]> = {
  tabs: [
    (_, response) => {
      openStream(response)
      const ticking = setInterval(() => response.write('data: tick\n\n'), 50)
      response.on('close', () => clearInterval(ticking))
    },
  ],
  instance: [(_, response) => openStream(response)],
  messages: [
    (_, response) => {
      const parts = [
        'data: one\n\n',
        'id: 7\ndata: two\ndata: lines\n\n',
        'data: inherits the id\n\n',
        ': a comment\n\nevent: note\ndata:  a space less\n\n',
        'event: unheard\ndata: x\n\n',
        'event: note\n\n',
        'data\n\n',
        'id\ndata: no id any more\n\n',
        'event: open\ndata: called open\n\n',
        'event: error\ndata: called error\n\n',
        'event: *\ndata: called star\n\n',
        'id: \u00e4\ndata: \u00fc\u{1f600}\n\n',
        'data: end\n\n',
        'data: without an end',
      ]
      openStream(response, parts.join(''))
    },
  ],
  reconnect: [
    (_, response) => {
      openStream(response, `${RETRY}id: 1\ndata: first\n\n`)
      response.end()
    },
    (request, response) => openStream(response, `data: after ${request.headers['last-event-id']}\n\n`),
  ],
  'reconnect-refused': [
    (_, response) => {
      openStream(response, `${RETRY}id: 1\ndata: first\n\n`)
      response.end()
    },
    (_, response) => void response.writeHead(500).end(),
  ],
  'cut-at-once': [
    (_, response) => {
      openStream(response, `${RETRY}data: cut`)
      setImmediate(() => response.destroy())
    },
    (_, response) => openStream(response, 'data: again\n\n'),
  ],
  'no-id': [
    (_, response) => {
      openStream(response, `${RETRY}data: first\n\n`)
      response.end()
    },
    (request, response) =>
      openStream(response, `data: ${request.headers['last-event-id'] ?? 'no position'}\n\n`),
  ],
  redirect: [(_, response) => void response.writeHead(302, { location: '/es/redirected' }).end()],
  redirected: [(_, response) => openStream(response, 'data: elsewhere\n\n')],
  'log-in': [(_, response) => void response.writeHead(302, { location: '/es/log-in-page' }).end()],
  'log-in-page': [
    (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<form>'),
  ],
  'content-type': [
    (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('data: x\n\n'),
  ],
  'content-type-parameters': [
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      response.write('data: fine\n\n')
    },
  ],
  'close-inside': [(_, response) => openStream(response, 'data: 1\n\ndata: 2\n\ndata: 3\n\n')],
  'close-early': [(_, response) => openStream(response, 'data: 1\n\n')],
  listeners: [(_, response) => openStream(response, 'data: 1\n\nevent: away\ndata: x\n\ndata: 2\n\n')],
}
for (const status of [204, 401, 403, 404, 429, 500, 503])
  servers[`status-${status}`] = [(_, response) => void response.writeHead(status).end()]

const answers = (): Record<string, Answer> => {
  const paths: Record<string, Answer> = {
    '/es/redirected': servers.redirected![0]!,
    '/es/log-in-page': servers['log-in-page']![0]!,
  }
  for (const [name, steps] of Object.entries(servers))
    for (const kind of ['native', 'shared']) {
      let asked = 0
      paths[`/es/${name}/${kind}`] = (request, response) =>
        steps[Math.min(asked++, steps.length - 1)]!(request, response)
    }
  return paths
}

/** What a scenario's trace must show before it counts as over. */
const LAST_LINES: Record<string, RegExp> = {
  shape: /without new/,
  instance: /credentials true/,
  'close-early': /closed \[2\]/,
  messages: /"end"/,
  reconnect: /after 1/,
  'reconnect-refused': /error \[2\]/,
  'cut-at-once': /again/,
  'no-id': /no position/,
  redirect: /elsewhere/,
  'log-in': /error \[2\]/,
  'content-type': /error \[2\]/,
  'content-type-parameters': /fine/,
  'close-inside': /next listener/,
  listeners: /handler again/,
}
for (const status of [204, 401, 403, 404, 429, 500, 503]) LAST_LINES[`status-${status}`] = /error \[2\]/

test.describe('SharedEventSource beside the native class', () => {
  let server: OddServer
  test.beforeEach(async () => {
    server = await startOddServer(dist, answers())
  })
  test.afterEach(() => server.close())

  test('E1 one script, run on both, sees the same of both', async ({ page }) => {
    await page.goto(server.url)
    const traces = () => page.evaluate(() => window.traces)
    for (const [scenario, last] of Object.entries(LAST_LINES))
      for (const kind of ['native', 'shared'] as Kind[]) {
        await page.evaluate(([which, what]) => window.traceEventSource(which, what), [
          kind,
          scenario,
        ] as const)
        await eventually(async () => (await traces())[kind][scenario]?.join('\n'), {
          message: `${kind}: ${scenario}`,
          timeout: 25_000,
        }).toMatch(last)
        await page.evaluate(([which, what]) => window.closeEventSource(which, what), [
          kind,
          scenario,
        ] as const)
      }
    // Late ones count as well: what came after a scenario's last line stands in its trace by now.
    const { native, shared } = await traces()
    expect(shared).toEqual(native)
  })

  test('E1 S1 two tabs have one connection, where two native ones have two, and both hear what comes', async ({
    context,
  }) => {
    const pages = [await context.newPage(), await context.newPage()]
    for (const kind of ['native', 'shared'] as Kind[]) {
      for (const page of pages) {
        await page.goto(server.url)
        await page.evaluate((which) => window.traceEventSource(which, 'tabs'), kind)
        await eventually(() => page.evaluate((which) => window.traces[which].tabs?.join(), kind)).toMatch(
          /open/,
        )
      }
      expect(server.requestsOf(`/es/tabs/${kind}`)).toHaveLength(kind === 'native' ? 2 : 1)
      for (const page of pages)
        await eventually(() => page.evaluate((which) => window.traces[which].tabs?.at(-1), kind)).toContain(
          '"tick',
        )
    }
  })
})
