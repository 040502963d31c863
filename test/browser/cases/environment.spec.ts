import type { Frame, Page } from 'playwright/test'
import type { StartOptions } from '../app/record.ts'
import type { OddServer } from '../odd-server.ts'
import { createStreams, eventually, expect, frame, openStream, serveWorker, test } from './fixtures.ts'

const START: StartOptions = { url: '/stream', user: 'ada', exchange: null }
const STREAM = {
  '/stream': (_request: unknown, response: Parameters<typeof openStream>[0]) => openStream(response),
}

/** The promise that holds wherever no worker can be started, in a page or in a frame of one. */
const expectFailed = async (page: Page | Frame, options: StartOptions, advice: RegExp) => {
  const outcome = await page.evaluate(async (start) => {
    const { threw } = window.start(start)
    const at = performance.now()
    while (window.stream?.status.state !== 'failed' && performance.now() - at < 10_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const { state } = window.stream.status
    const ms = performance.now() - at
    const inspected = await window.stream.inspect().then(
      ({ status }) => status.state,
      (error) => `inspect() rejects: ${error}`,
    )
    const locked = async () => {
      const locks = await navigator.locks?.query().catch(() => ({ held: [], pending: [] }))
      return [...(locks?.held ?? []), ...(locks?.pending ?? [])].map(({ name }) => name)
    }
    // The browser takes a moment to let go of one.
    while ((await locked()).length > 0 && performance.now() - at < 10_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
    return {
      threw,
      state,
      ms,
      inspected,
      errors: window.record.errors,
      reported: window.record.reported,
      locks: await locked(),
    }
  }, options)
  expect(outcome).toMatchObject({ threw: undefined, state: 'failed', inspected: 'failed' })
  // 2 s are promised; the rest is for a busy machine.
  expect(outcome.ms).toBeLessThan(4_000)
  expect(outcome.errors).toHaveLength(1)
  expect(outcome.errors[0]).toMatchObject({ kind: 'worker', state: 'failed' })
  expect(outcome.errors[0]!.message).toMatch(advice)
  expect(outcome.reported).toEqual([])
  expect(outcome.locks).toEqual([])
}

/** A React tree is told of it by the stream's status, and goes on. */
const expectTreeStays = async (page: Page | Frame, options: StartOptions, state = 'failed') => {
  await page.evaluate((start) => window.mountReact(start), options)
  await eventually(() => page.evaluate(() => document.querySelector('output')?.textContent)).toBe(state)
  expect(await page.evaluate(() => document.querySelector('h1')?.textContent)).toBe('The application')
  expect(await page.evaluate(() => window.record.reported)).toEqual([])
}

/** Runs both in a document of its own. */
const inEach = async (open: () => Promise<Page | Frame>, options: StartOptions, advice: RegExp) => {
  await expectFailed(await open(), options, advice)
  await expectTreeStays(await open(), options)
}

const openPage = async (context: { newPage(): Promise<Page> }, url: string) => {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

test('T2 a sandboxed frame without an origin: connect() does not throw, the stream is `failed` and says so, the React tree stays', async ({
  serve,
  context,
}) => {
  const server: OddServer = await serve(
    {
      ...STREAM,
      '/holder': (_request, response) =>
        void response
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<iframe sandbox="allow-scripts" src="/"></iframe>'),
    },
    // The frame has no origin, so that its own scripts are another's to it.
    { 'access-control-allow-origin': '*' },
  )
  const open = async () => {
    const page = await openPage(context, `${server.url}/holder`)
    const held = page.frames()[1]!
    await eventually(() => held.evaluate(() => typeof window.start)).toBe('function')
    return held
  }
  await inEach(open, START, /sandbox|allow-same-origin/)
})

test('T2 Trusted Types without a policy: connect() does not throw, the stream is `failed` and says so, the React tree stays', async ({
  serve,
  context,
  browserName,
}) => {
  const server = await serve(STREAM, {
    'content-security-policy': "require-trusted-types-for 'script'; trusted-types 'none'",
  })
  const page = await openPage(context, server.url)
  const enforced = await page.evaluate(() => {
    try {
      new Worker('/no-worker.js')
      return false
    } catch {
      return true
    }
  })
  // Each engine is held to what it does; this one is known to enforce them.
  if (browserName === 'chromium') expect(enforced).toBe(true)
  if (enforced) await inEach(() => openPage(context, server.url), START, /Trusted Types|trusted-types/i)
})

test("T2 a policy of worker-src 'none': connect() does not throw, the stream is `waiting` and names worker-src, the React tree stays", async ({
  serve,
  context,
}) => {
  // To the page it looks like a script that does not load, which may load later.
  const server = await serve(STREAM, { 'content-security-policy': "worker-src 'none'" })
  const page = await openPage(context, server.url)
  expect(await page.evaluate((start) => window.start(start), START)).toEqual({})
  await eventually(() => page.evaluate(() => window.stream.status.state)).toBe('waiting')
  await eventually(() => page.evaluate(() => window.record.errors.length)).toBeGreaterThan(0)
  const { errors, reported } = await page.evaluate(() => window.record)
  expect(errors[0]).toMatchObject({ kind: 'worker', retryable: true, state: 'waiting' })
  expect(errors[0]!.message).toContain('worker-src')
  expect(reported).toEqual([])
  // Another worker: Firefox says nothing of a SharedWorker of the same name whose script has failed a moment before.
  await expectTreeStays(await openPage(context, server.url), { ...START, user: 'bob' }, 'waiting')
})

const DENIED = "() => Promise.reject(new DOMException('denied', 'SecurityError'))"

test('T2 Web Locks that are denied to the page: the stream opens without one, and the React tree is told', async ({
  serve,
  visit,
  context,
}) => {
  const streams = createStreams()
  const server = await serve({ '/stream': (_request, response) => streams.open(response) })
  await context.addInitScript(`navigator.locks.request = ${DENIED}`)
  const tab = await visit(server)
  await tab.until('open')
  streams.write(frame(1))
  await tab.received(1)
  expect((await tab.record()).reported).toEqual([])
  await expectTreeStays(await openPage(context, server.url), START, 'open')
})

test('T2 Web Locks that are denied to page and worker: connect() does not throw, the stream is `failed` and says so, the React tree stays', async ({
  serve,
  context,
}) => {
  const server = await serve({ ...STREAM, '/worker.js': serveWorker(`navigator.locks.request = ${DENIED}`) })
  await context.addInitScript(`navigator.locks.request = ${DENIED}`)
  const options = { ...START, worker: '/worker.js' }
  await inEach(() => openPage(context, server.url), options, /locks|storage|cookies/i)
})

test('D2 storage that is denied costs durability, and nothing else', async ({ serve, visit }) => {
  const streams = createStreams()
  const server = await serve({
    '/worker.js': serveWorker("indexedDB.open = () => { throw new DOMException('denied', 'SecurityError') }"),
    '/stream': (_request, response) => streams.open(response),
  })
  const tab = await visit(server, { worker: '/worker.js' })
  await tab.until('open')
  streams.write(frame(1))
  await tab.received(1)
  await eventually(async () => (await tab.status()).durable).toBe(false)
  await eventually(async () => (await tab.record()).errors.map(({ kind }) => kind)).toContain('storage')
})
