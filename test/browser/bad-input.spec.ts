import { fileURLToPath } from 'node:url'
import { test as base, expect } from 'playwright/test'
import type { StartOptions } from './app/record.ts'
import { eventually } from './eventually.ts'
import { type Answer, frame, type OddServer, openStream, startOddServer } from './odd-server.ts'
import { expectExactlyOnce, openTab, range, type Tab } from './tab.ts'

const appDir = fileURLToPath(new URL('./app/dist', import.meta.url))

interface Odd {
  /** Starts a server with these answers, and `/good`, a stream that `say` writes to. */
  serve: (answers?: Record<string, Answer>) => Promise<{ server: OddServer; say: (text: string) => void }>
  connectTo: (server: OddServer, url: string, options?: StartOptions) => Promise<Tab>
}

const test = base.extend<Odd>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
  serve: async ({}, use) => {
    const servers: OddServer[] = []
    await use(async (answers = {}) => {
      let say = (_text: string) => {}
      const server = await startOddServer(appDir, {
        '/good': (_request, response) => {
          openStream(response)
          say = (text) => response.write(text)
        },
        ...answers,
      })
      servers.push(server)
      return { server, say: (text) => say(text) }
    })
    for (const server of servers) await server.close()
  },
  connectTo: async ({ context }, use) => {
    await use((server, url, options = {}) =>
      openTab(context, server.url, { url, user: 'ada', exchange: null, ...options }),
    )
  },
})

/** Whatever happened to one stream, the tab that follows a good one goes on. */
const expectGoodGoesOn = async (tab: Tab, say: (text: string) => void, n: number) => {
  say(frame(n))
  await expectExactlyOnce([tab], range(1, n))
}

const errorsOf = async (tab: Tab) => {
  await eventually(async () => (await tab.record()).errors.length, { message: 'an error' }).toBeGreaterThan(0)
  return (await tab.record()).errors
}

/** A port that was free a moment ago: a low one would do for a server, but browsers block those. */
const UNREACHABLE = 'unreachable'
const closedUrl = async () => {
  const server = await startOddServer(appDir, {})
  await server.close()
  return `${server.url}/stream`
}

const answers: { what: string; path: string; answer?: Answer; error: Record<string, unknown> }[] = [
  {
    what: 'a 404',
    path: '/missing',
    answer: (_request, response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}'),
    error: { kind: 'http', status: 404, retryable: true, state: 'waiting', attempt: 1 },
  },
  {
    what: 'an HTML page instead of a stream',
    path: '/login-page',
    answer: (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>'),
    error: { kind: 'protocol', retryable: true, state: 'waiting', attempt: 1 },
  },
  {
    what: 'an unreachable server',
    path: UNREACHABLE,
    error: { kind: 'network', retryable: true, state: 'waiting', attempt: 1 },
  },
]

for (const { what, path, answer, error } of answers) {
  test(`S6 ${what} gives a retryable error that says so, and another stream goes on`, async ({
    serve,
    connectTo,
  }) => {
    const { server, say } = await serve(answer ? { [path]: answer } : {})
    const good = await connectTo(server, '/good')
    await good.until('open')
    say(frame(1))
    const bad = await connectTo(server, path === UNREACHABLE ? await closedUrl() : path)
    const [first] = await errorsOf(bad)
    expect(first).toMatchObject(error)
    expect(first!.message.length).toBeGreaterThan(20)
    // It backs off and tries again by itself, and the second error counts on.
    await eventually(async () => (await bad.record()).errors[1]?.attempt, { timeout: 15_000 }).toBe(2)
    await expectGoodGoesOn(good, say, 2)
    expect((await good.record()).errors).toEqual([])
  })
}

test('B1 an event of 10 MB is skipped: an error and a reset tell of it once, and the stream stays open', async ({
  serve,
  connectTo,
}) => {
  // Held back until both tabs are there.
  let release = () => {}
  const released = new Promise<void>((done) => {
    release = done
  })
  const { server, say } = await serve({
    '/big': async (_request, response) => {
      openStream(response)
      await released
      response.write(`${frame(1)}id: 2\nevent: tick\ndata: "${'x'.repeat(10 * 1024 * 1024)}"\n\n${frame(3)}`)
    },
  })
  const good = await connectTo(server, '/good')
  await good.until('open')
  const tabs = [await connectTo(server, '/big'), await connectTo(server, '/big')]
  for (const tab of tabs) await tab.until('open')
  release()
  await expectExactlyOnce(tabs, [1, 3])
  for (const tab of tabs) {
    const { errors, resets, resetsAt } = await tab.record()
    expect(errors).toEqual([
      expect.objectContaining({ kind: 'too-large', retryable: true, state: 'open', attempt: 1 }),
    ])
    expect([resets, resetsAt]).toEqual([[{ reason: 'too-large' }], [1]])
  }
  expect(server.requestsOf('/big').length).toBe(1)
  await expectGoodGoesOn(good, say, 1)
})

test('D8 a listener that throws is reported and harms no other listener, event or tab', async ({
  serve,
  connectTo,
}) => {
  const { server, say } = await serve()
  const throwing = await connectTo(server, '/good', { throwAt: 2 })
  const other = await connectTo(server, '/good')
  await other.until('open')
  for (const n of range(1, 4)) say(frame(n))
  await expectExactlyOnce([throwing, other], range(1, 4))
  expect((await throwing.record()).reported).toEqual([expect.stringContaining('listener broke at 2')])
  expect((await other.record()).reported).toEqual([])
})

test('D8 data that is not JSON gives an error in the tab that listens, and the next events arrive', async ({
  serve,
  connectTo,
}) => {
  const { server, say } = await serve()
  const tabs = [await connectTo(server, '/good'), await connectTo(server, '/good', { types: ['tick'] })]
  for (const tab of tabs) await tab.until('open')
  say(`${frame(1)}id: 2\nevent: odd\ndata: {"n":\n\n${frame(3)}`)
  await expectExactlyOnce(tabs, [1, 3])
  const errors = await errorsOf(tabs[0]!)
  expect(errors).toEqual([expect.objectContaining({ kind: 'validation' })])
  expect(errors[0]!.message).toContain('odd')
  // The other tab does not listen to that type: it is none of its business.
  expect((await tabs[1]!.record()).errors).toEqual([])
})

test('A3 a user left out throws a TypeError that says what to do, before any request', async ({
  serve,
  connectTo,
}) => {
  const { server } = await serve()
  const tab = await connectTo(server, '/good', { user: null })
  expect(tab.threw?.name).toBe('TypeError')
  expect(tab.threw?.message).toContain('user')
  expect(server.requestsOf('/good')).toEqual([])
})

for (const query of ['token=abc', 'access_token=abc']) {
  const name = query.split('=')[0]!
  test(`A1 a URL with ${name} in its query throws a TypeError that does not repeat it`, async ({
    serve,
    connectTo,
  }) => {
    const { server } = await serve()
    const tab = await connectTo(server, `/good?${query}`)
    expect(tab.threw?.name).toBe('TypeError')
    expect(tab.threw?.message).toContain('auth')
    expect(tab.threw?.message).not.toContain('abc')
    expect(server.requestsOf('/good')).toEqual([])
  })
}
