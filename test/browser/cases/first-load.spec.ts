import type { Page } from 'playwright/test'
import type { Answer } from '../odd-server.ts'
import { test as base, createStreams, eventually, expect, frame, RETRY, range, resetsOf } from './fixtures.ts'

interface Publishing {
  answers: Record<string, Answer>
}

/** A server that publishes an event every 25 ms, whatever happens, and says at `/state` up to where its state goes. */
const test = base.extend<{ publishing: Publishing }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
  publishing: async ({}, use) => {
    let published = 0
    const streams = createStreams()
    const timer = setInterval(() => streams.write(frame(++published)), 25)
    await use({
      answers: {
        '/stream': ({ headers }, response) => {
          const after = Number(headers['last-event-id'] ?? published)
          const missed = range(after + 1, published).map((n) => frame(n))
          streams.open(response, RETRY + missed.join(''))
        },
        '/state': (_request, response) =>
          void response.writeHead(200, { 'content-type': 'application/json' }).end(`{"upTo":${published}}`),
      },
    })
    clearInterval(timer)
  },
})

const START = { url: '/stream', user: 'ada', exchange: null }

/** Every number from the one after the state's on, and no reset. */
const expectNothingLost = async (page: Page, upTo: number) => {
  const numbers = () => page.evaluate(() => window.record.events.map(({ n }) => n!))
  await eventually(async () => (await numbers()).length).toBeGreaterThan(20)
  const heard = await numbers()
  expect(heard[0]).toBeLessThanOrEqual(upTo + 1)
  expect(heard).toEqual(range(heard[0]!, heard[0]! + heard.length - 1))
  expect(await page.evaluate(() => window.record.resets)).toEqual([])
}

test('D5 a first visit that fetches its state and then connects `from: { after }` that state hears all that came since', async ({
  serve,
  publishing,
  context,
}) => {
  const server = await serve(publishing.answers)
  const page = await context.newPage()
  await page.goto(server.url)
  const upTo = await page.evaluate(async (start) => {
    const state = await (await fetch('/state')).json()
    window.start({ ...start, connect: { from: { after: String(state.upTo) } } })
    return state.upTo as number
  }, START)
  await expectNothingLost(page, upTo)
  expect(await page.evaluate(() => window.record.events[0]!.n)).toBe(upTo + 1)
  expect(server.requestsOf('/stream').map(({ lastEventId }) => lastEventId)).toEqual([String(upTo)])
})

test('D5 a first visit that waits for `opened()` before it fetches its state hears all that came since', async ({
  serve,
  publishing,
  context,
}) => {
  const server = await serve(publishing.answers)
  const page = await context.newPage()
  await page.goto(server.url)
  const upTo = await page.evaluate(async (start) => {
    window.start(start)
    await window.stream.opened()
    return (await (await fetch('/state')).json()).upTo as number
  }, START)
  await expectNothingLost(page, upTo)
})

test('D5 `opened()` rejects once its signal aborts, and when the stream is closed', async ({
  serve,
  visit,
}) => {
  const server = await serve({ '/stream': () => {} })
  const tab = await visit(server)
  const [aborted, closed] = await tab.page.evaluate(async () => {
    const reasonOf = (opened: Promise<void>) =>
      opened.then(
        () => 'opened',
        (error: Error) => error.name,
      )
    const stop = new AbortController()
    const first = reasonOf(window.stream.opened({ signal: stop.signal }))
    stop.abort()
    const second = reasonOf(window.stream.opened())
    window.stream.close()
    return [await first, await second]
  })
  expect(aborted).toBe('AbortError')
  expect(closed).toBe('StreamError')
})

test('D5 a second tab that connects `from: { after }` gets what the log holds after that event, over the one stream', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({ '/stream': (_request, response) => streams.open(response) })
  const first = await visit(server)
  await first.until('open')
  for (const n of range(1, 5)) streams.write(frame(n))
  await first.received(5)
  await first.committed()
  const second = await visit(server, { connect: { from: { after: '2' } } })
  await second.received(5)
  expect(await second.numbers()).toEqual([3, 4, 5])
  expect(await resetsOf(second)).toEqual([])
  expect(server.requestsOf('/stream')).toHaveLength(1)
})
