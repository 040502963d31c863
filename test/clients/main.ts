import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import { createParser } from 'eventsource-parser'
import { EventSource as LaunchDarklySource } from 'launchdarkly-eventsource'
import { type Browser, chromium, firefox } from 'playwright'
import { startServer } from '../../demo/server/app.ts'
import { type BrowserName, ensureBrowsers, launchWith } from '../browsers.ts'
import { createChecks, eventually } from '../cluster/checks.ts'
import { ensurePrograms } from '../programs.ts'
import { page } from './page.ts'

/**
 * `npm run test:clients`: clients that others wrote read from the reference server, which cuts them in mid-event and
 * between events. Each must come by itself to have every event once and in order. (curl can't resume: it is started
 * again with the id that it had last.)
 */
const user = 'alice'
const type = 'task.progress_updated'
const streamPath = '/api/v1/events/stream'
const cuts = 4
const eventsPerCut = 25

interface Client {
  /** Resolves once it is open, as it says itself. */
  opened: Promise<unknown>
  numbers: () => number[]
  close: () => unknown
}

type Server = Awaited<ReturnType<typeof startServer>>

const numberOf = (data: string) => (JSON.parse(data) as { n: number }).n

const post = async (server: Server, path: string, body: unknown) =>
  (
    await fetch(server.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: server.url },
      body: JSON.stringify(body),
    })
  ).json()

const tokenOf = async (server: Server) =>
  ((await post(server, '/debug/token', { user, kind: 'sse' })) as { token: string }).token

const npmEventsource = async (server: Server): Promise<Client> => {
  const token = await tokenOf(server)
  const numbers: number[] = []
  const source = new EventSource(server.url + streamPath, {
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
  })
  source.addEventListener(type, ({ data }) => numbers.push(numberOf(data)))
  return {
    opened: new Promise((done) => source.addEventListener('open', done, { once: true })),
    numbers: () => numbers,
    close: () => source.close(),
  }
}

const npmEventsourceClient = async (server: Server): Promise<Client> => {
  const numbers: number[] = []
  let open = () => {}
  const opened = new Promise<void>((done) => {
    open = done
  })
  const source = createEventSource({
    url: server.url + streamPath,
    headers: { Authorization: `Bearer ${await tokenOf(server)}` },
    onConnect: () => open(),
    onMessage: ({ data }) => numbers.push(numberOf(data)),
  })
  return { opened, numbers: () => numbers, close: () => source.close() }
}

const launchDarkly = async (server: Server): Promise<Client> => {
  const numbers: number[] = []
  const source = new LaunchDarklySource(server.url + streamPath, {
    headers: { Authorization: `Bearer ${await tokenOf(server)}` },
  })
  source.addEventListener(type, ({ data }) => numbers.push(numberOf(data)))
  source.addEventListener('error', () => {})
  return {
    opened: new Promise((done) => source.addEventListener('open', done)),
    numbers: () => numbers,
    close: () => source.close(),
  }
}

const curl = async (server: Server): Promise<Client> => {
  const token = await tokenOf(server)
  const numbers: number[] = []
  let lastEventId = ''
  let state: 'running' | 'closed' = 'running'
  let stop = () => {}
  const run = (onOpen: () => void) => {
    const headers = [
      `Authorization: Bearer ${token}`,
      ...(lastEventId ? [`Last-Event-ID: ${lastEventId}`] : []),
    ]
    const child = spawn(
      'curl',
      ['-sN', ...headers.flatMap((header) => ['-H', header]), server.url + streamPath],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    const parser = createParser({
      onComment: onOpen,
      onEvent: ({ id, data }) => {
        lastEventId = id!
        numbers.push(numberOf(data))
      },
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (lastEventId === '') lastEventId = /^id: (\S+)\n\n/m.exec(text)?.[1] ?? ''
      parser.feed(part)
    })
    stop = () => child.kill()
    child.on('exit', () => state === 'running' && setTimeout(run, 100, () => {}))
  }
  return {
    opened: new Promise<void>(run),
    numbers: () => numbers,
    close: () => {
      state = 'closed'
      stop()
    },
  }
}

/** The browser's own, opened by the cookie: it can send no header. */
const native = async (server: Server, browser: Browser): Promise<Client> => {
  const tab = await (await browser.newContext()).newPage()
  // Any address of the server: a page of its origin is all that it takes.
  await tab.goto(`${server.url}/healthz`)
  let numbers: number[] = []
  // tsx names functions by a helper, which a page lacks.
  await tab.evaluate('globalThis.__name = (named) => named')
  const opened = tab.evaluate(page, { user, type, streamPath })
  const poll = setInterval(async () => {
    numbers = await tab
      .evaluate(() => (globalThis as { numbers?: number[] }).numbers ?? [])
      .catch(() => numbers)
  }, 100)
  return {
    opened,
    numbers: () => numbers,
    close: () => {
      clearInterval(poll)
      return browser.close()
    },
  }
}

const launch = (name: BrowserName) => {
  const { channel, launchOptions } = launchWith(name)
  return (name === 'chromium' ? chromium : firefox).launch({
    ...launchOptions,
    ...(channel === undefined ? {} : { channel }),
  })
}

const clients: Record<string, (server: Server) => Promise<Client>> = {
  'npm eventsource': npmEventsource,
  'npm eventsource-client': npmEventsourceClient,
  'npm launchdarkly-eventsource': launchDarkly,
  curl,
  'EventSource of Chromium': async (server) => native(server, await launch('chromium')),
  'EventSource of Firefox': async (server) => native(server, await launch('firefox')),
}

const { part, finish } = createChecks('clients')
ensurePrograms(['curl'])
ensureBrowsers()

for (const [name, connect] of Object.entries(clients))
  await part(`R1 R4 ${name}: every event once, over ${cuts} cuts`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tabstream-clients-'))
    const server = await startServer({ dataDir, debug: true, users: { alice: 'x' } })
    const client = await connect(server)
    try {
      await client.opened
      await eventually(() => server.connections().total === 1, 10_000)
      // Those on npm take no position from a block that is only an id: without an event they have none to resume from.
      await post(server, '/debug/publish', { user, count: 1 })
      if (!(await eventually(() => client.numbers().length === 1, 10_000))) throw new Error('No first event')
      for (let cut = 0; cut < cuts; cut++) {
        const midEvent = cut % 2 === 0
        const from = 2 + cut * eventsPerCut
        if (midEvent) await post(server, '/debug/drop', { user, midEvent })
        // Into the stream, into the cut, and to nobody, until the client is back.
        await post(server, '/debug/publish', { user, count: eventsPerCut, from })
        if (!midEvent) await post(server, '/debug/drop', { user })
        const has = () =>
          client.numbers().length >= from + eventsPerCut - 1 && server.connections().opened >= cut + 2
        if (!(await eventually(has, 30_000)))
          throw new Error(`${client.numbers().length} events after cut ${cut + 1}`)
      }
      const expected = Array.from({ length: 1 + cuts * eventsPerCut }, (_, index) => index + 1)
      if (client.numbers().join() !== expected.join()) throw new Error(`It has ${client.numbers().join()}`)
      const resumed = server.connections().opened - 1
      if (resumed < cuts) throw new Error(`It came back ${resumed} times`)
      return `${expected.length} events, ${resumed} resumptions`
    } finally {
      await client.close()
      await server.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

finish()
