import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright'
import type { TabRecord } from '../browser/app/record.ts'
import { range } from '../browser/tab.ts'
import { launchWith } from '../browsers.ts'
import { writeCounts } from '../counts.ts'
import { until } from '../until.ts'
import { startGate } from './gate.ts'
import { ensureNchan, type ForeignServer, KEPT, servers } from './servers.ts'

/**
 * `npm run test:interop`: what tabstream makes of servers that we did not write, in Chromium. Needs the built test
 * application. Prints server by capability.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const PATIENCE = 20_000
const COLUMNS = ['fan-out', 'resume', 'heartbeat', 'hidden gap', 'hidden gap, strict'] as const
type Column = (typeof COLUMNS)[number]

const numbersOf = ({ events }: TabRecord) => events.flatMap(({ n }) => (n === undefined ? [] : [n]))

/** One profile with tabs at one server, behind a gate that can be shut. */
const openScene = async (browser: Browser, start: () => Promise<ForeignServer>) => {
  const server = await start()
  const gate = await startGate(join(root, 'test/browser/app/dist'), server)
  const context = await browser.newContext()
  let published = 0
  const openTab = async (resume: 'lenient' | 'strict'): Promise<Page> => {
    const tab = await context.newPage()
    await tab.goto(gate.url)
    const { threw } = await tab.evaluate(
      (mode) =>
        window.start({
          url: '/events',
          user: 'ada',
          exchange: null,
          types: ['tick'],
          connect: { resume: mode },
        }),
      resume,
    )
    if (threw) throw new Error(threw.message)
    await until(
      'the stream is open',
      () => tab.evaluate(() => window.stream.status.state === 'open'),
      PATIENCE,
    )
    // The worker answers in order: once it has, it knows what this tab follows.
    await tab.evaluate(() => window.stream.inspect())
    return tab
  }
  return {
    gate,
    openTab,
    async publish(count: number) {
      for (let left = count; left > 0; left--) await server.publish(++published)
    },
    record: (tab: Page): Promise<TabRecord> => tab.evaluate(() => window.record),
    status: (tab: Page) => tab.evaluate(() => window.stream.status),
    heard: (tab: Page, last: number) =>
      until(
        `event ${last}`,
        async () => numbersOf(await tab.evaluate(() => window.record)).at(-1) === last,
        PATIENCE,
      ),
    async close() {
      await context.close()
      await gate.close()
      await server.close()
    },
  }
}
type Scene = Awaited<ReturnType<typeof openScene>>

const expect = (what: string, got: unknown, wanted: unknown) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted))
    throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`)
}

/** Away, while so many events are published, and back. */
const cut = async (scene: Scene, tab: Page, missed: number) => {
  scene.gate.shut()
  await until('the cut is seen', async () => (await scene.status(tab)).state !== 'open', PATIENCE)
  await scene.publish(missed)
  scene.gate.open()
  await tab.evaluate(() => window.stream.reconnect())
  await until('the stream is back', async () => (await scene.status(tab)).state === 'open', PATIENCE)
}

/** A tab that has heard two events, then missed more than the server keeps, and is back. */
const behindGap = async (scene: Scene, resume: 'lenient' | 'strict') => {
  const tab = await scene.openTab(resume)
  await scene.publish(2)
  await scene.heard(tab, 2)
  const lost = KEPT * 2
  await cut(scene, tab, lost)
  await scene.heard(tab, 2 + lost)
  return { tab, lost }
}

const tests: Record<Column, (scene: Scene, confirms: boolean) => Promise<string>> = {
  async 'fan-out'(scene) {
    const tabs = [await scene.openTab('lenient'), await scene.openTab('lenient')]
    await scene.publish(3)
    for (const tab of tabs) {
      await scene.heard(tab, 3)
      expect('events', numbersOf(await scene.record(tab)), [1, 2, 3])
    }
    expect('streams', scene.gate.streams(), 1)
    return '2 tabs, 1 stream'
  },
  async resume(scene) {
    const tab = await scene.openTab('lenient')
    await scene.publish(2)
    await scene.heard(tab, 2)
    await cut(scene, tab, 3)
    await scene.heard(tab, 5)
    expect('events', numbersOf(await scene.record(tab)), [1, 2, 3, 4, 5])
    return `all, ${(await scene.status(tab)).resume}`
  },
  async heartbeat(scene) {
    const tab = await scene.openTab('lenient')
    const bytes = async () => (await tab.evaluate(() => window.stream.metrics())).bytesReceived
    const before = await bytes()
    await until('a sign of life', async () => (await bytes()) > before, PATIENCE)
    return 'seen'
  },
  async 'hidden gap'(scene, confirms) {
    const { tab } = await behindGap(scene, 'lenient')
    const { resets } = await scene.record(tab)
    const { resume } = await scene.status(tab)
    expect('resume', resume, confirms ? 'reset' : 'unconfirmed')
    expect(
      'resets',
      resets.map(({ reason }) => reason),
      confirms ? ['server'] : [],
    )
    return confirms ? 'reset: server' : 'unconfirmed'
  },
  async 'hidden gap, strict'(scene, confirms) {
    const { tab, lost } = await behindGap(scene, 'strict')
    const { resets, resetsAt, ...record } = await scene.record(tab)
    const reason = confirms ? 'server' : 'unconfirmed'
    expect(
      'resets',
      resets.map((reset) => reset.reason),
      [reason],
    )
    // Before anything newer (D1): after the two, and before what was kept.
    expect('reset after', resetsAt, [2])
    const kept = numbersOf({ ...record, resets, resetsAt }).slice(2)
    expect('after the reset', kept, range(2 + lost - kept.length + 1, 2 + lost))
    return `reset: ${reason}`
  },
}

const main = async () => {
  const names = Object.keys(servers) as (keyof typeof servers)[]
  const rows: string[][] = [['server', ...COLUMNS]]
  const failures: string[] = []
  let passed = 0
  let skipped = 0
  const browser = await chromium.launch(launchWith('chromium').launchOptions)
  try {
    for (const name of names) {
      const row: string[] = [name]
      rows.push(row)
      if (name === 'nginx with Nchan' && !ensureNchan()) {
        row.push('not installed, and no right to (libnginx-mod-nchan)')
        skipped += COLUMNS.length
        continue
      }
      for (const column of COLUMNS) {
        let scene: Scene | null = null
        try {
          scene = await openScene(browser, servers[name])
          row.push(await tests[column](scene, name === 'Mercure-style'))
          passed++
        } catch (error) {
          row.push('FAILED')
          failures.push(`${name}, ${column}: ${(error as Error).message}`)
        } finally {
          await scene?.close()
        }
      }
      console.log(row.join(' | '))
    }
  } finally {
    await browser.close()
  }
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  console.log(
    `\n${rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join('  ')).join('\n')}\n`,
  )
  for (const failure of failures) console.log(failure)
  writeCounts('interop', { passed, failed: failures.length, skipped })
  console.log(`${passed} passed, ${failures.length} failed`)
  process.exitCode = failures.length > 0 ? 1 : 0
}

await main()
