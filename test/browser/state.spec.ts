import type { StateCurrent } from 'tabstream'
import { test as base, createStreams, eventually, expect, range } from './cases/fixtures.ts'
import { frame } from './odd-server.ts'
import type { Tab } from './tab.ts'

interface Numbers {
  url: string
  /** The next so many numbers, which tabs apply, or for which they ask the server. */
  publish(count: number, type?: 'tick' | 'stale'): void
  /** Continuity is lost: so many numbers are published, and never sent. */
  reset(count: number): void
  values(): number[]
  requests(path: '/state' | '/list' | '/stream'): number
  open(): Promise<Tab>
  /** The server has no stream and no state any more; the page's files come from elsewhere. */
  goAway(): void
}

const test = base.extend<{ start: () => Promise<Numbers> }>({
  start: async ({ serve, visit }, use) => {
    await use(async () => {
      const streams = createStreams()
      const sent: { n: number; type: string }[] = []
      const values = () => sent.flatMap(({ n, type }) => (type === 'tick' ? [n] : []))
      const position = () => String(sent.at(-1)?.n ?? 0)
      let isAway = false
      const server = await serve({
        '/stream': (_, response) =>
          isAway ? void response.destroy() : streams.open(response, 'retry: 100\nid: 0\n\n'),
        '/state': (_, response) => {
          if (isAway) return void response.destroy()
          const body = JSON.stringify(values())
          response
            .writeHead(200, { 'content-type': 'application/json', 'last-event-id': position() })
            .end(body)
        },
        '/list': (_, response) => response.writeHead(200).end(position()),
      })
      return {
        url: server.url,
        publish(count, type = 'tick') {
          for (let n = sent.length + 1, end = sent.length + count; n <= end; n++) {
            sent.push({ n, type })
            streams.write(frame(n, type))
          }
        },
        reset(count) {
          for (let n = sent.length + 1, end = sent.length + count; n <= end; n++)
            sent.push({ n, type: 'tick' })
          streams.write(`event: stream.reset\nid: ${position()}\ndata: {}\n\n`)
        },
        values,
        requests: (path) => server.requestsOf(path).length,
        async open() {
          const tab = await visit(server)
          await tab.page.evaluate(() => window.probeState())
          return tab
        },
        goAway() {
          isAway = true
          streams.end()
        },
      }
    })
  },
})

const current = (tab: Tab): Promise<StateCurrent<number[]>> =>
  tab.page.evaluate(() => window.probe.state.current)
const untilLive = async (tabs: Tab[], value: number[]) => {
  for (const tab of tabs)
    await eventually(() => current(tab), { timeout: 30_000, message: 'the state' }).toEqual({
      status: 'live',
      value,
      error: null,
    })
}

test('ST4 ST5 eight tabs with a reset and 100 events that call for a request make one for the reset, and one an event at most', async ({
  start,
}) => {
  const server = await start()
  const first = await server.open()
  await untilLive([first], [])
  const tabs = [first, ...(await Promise.all(range(2, 8).map(() => server.open())))]
  await untilLive(tabs, [])
  expect(server.requests('/state')).toBe(1)

  server.publish(20)
  await untilLive(tabs, server.values())
  expect(server.requests('/state')).toBe(1)

  server.reset(5)
  server.publish(3)
  await untilLive(tabs, server.values())
  expect(server.requests('/state')).toBe(2)

  const before = server.values().length
  for (const _ of range(1, 100)) {
    server.publish(1, 'stale')
    // The events come one after the other, as an application's do.
    await first.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  }
  for (const tab of tabs)
    await eventually(() => tab.page.evaluate(() => window.probe.shared.length), { timeout: 30_000 }).toBe(100)
  const requests = server.requests('/list')
  console.log(`100 events, 8 tabs: ${requests} requests; a reset: 1`)
  expect(requests).toBeLessThanOrEqual(100)
  for (const tab of tabs) {
    const { shared, errors } = await tab.page.evaluate(() => window.probe)
    expect(errors).toEqual([])
    // Each result is from after the event that called for it.
    for (const [index, count] of shared.entries()) expect(count).toBeGreaterThanOrEqual(before + index + 1)
  }
  await untilLive(tabs, server.values())
  expect(server.requests('/state')).toBe(2)
})

test('ST4 a second tab shows the right state at once, without a request, also while the server is away', async ({
  start,
  context,
}) => {
  const server = await start()
  const first = await server.open()
  await untilLive([first], [])
  server.publish(50)
  await untilLive([first], server.values())
  const late = await context.newPage()
  await late.goto(server.url)
  server.goAway()
  await eventually(async () => (await first.status()).state).not.toBe('open')
  const took = await late.evaluate(async () => {
    window.start({ url: '/stream', user: 'ada', exchange: null })
    window.probeState()
    while (window.probe.state.current.status !== 'live') await new Promise((resolve) => setTimeout(resolve))
    return window.probe.took
  })
  expect(await late.evaluate(() => window.probe.state.current.value)).toEqual(server.values())
  console.log(`a second tab shows the state ${took?.toFixed(1)} ms after it has attached`)
  // 20 ms are the goal; other work on the machine may take as long.
  expect(took).toBeLessThan(500)
  expect(server.requests('/state')).toBe(1)
})

test('A4 ST4 a sign-out empties what all tabs show and what the hub keeps', async ({ start }) => {
  const server = await start()
  const tabs = [await server.open(), await server.open()]
  server.publish(3)
  await untilLive(tabs, server.values())
  await tabs[0]!.page.evaluate(() => window.stream.signOut())
  for (const tab of tabs) {
    await eventually(async () => (await current(tab)).status).toBe('closed')
    expect((await current(tab)).value).toBeUndefined()
    expect(await tab.page.evaluate(() => window.stream.history())).toEqual([])
  }
  const next = await server.open()
  await untilLive([next], server.values())
  expect(server.requests('/state')).toBe(2)
})

test('ST4 ST5 the state is right after the tab that loads is gone, and after the worker is', async ({
  start,
}) => {
  const server = await start()
  const [first, second] = [await server.open(), await server.open()]
  await untilLive([first, second], [])
  await first.close()
  server.reset(3)
  await untilLive([second], server.values())
  await second.committed()
  const before = server.requests('/stream')
  await second.harm('close')
  await eventually(() => server.requests('/stream'), { timeout: 30_000 }).toBeGreaterThan(before)
  await second.until('open')
  server.publish(2)
  await untilLive([second], server.values())
})
