import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startOddServer } from '../browser/odd-server.ts'
import { leaderOf, openTab, type Tab } from '../browser/tab.ts'
import { setVisible } from '../browser/visibility.ts'
import type { BrowserName } from '../browsers.ts'
import type { Hosts } from '../faults/crew.ts'
import { startUser } from '../faults/user.ts'
import { createRandom, pick } from '../random.ts'
import { within } from '../within.ts'
import { createClaimServer } from './claim-server.ts'

export interface RunOptions {
  seed: number
  events: number
  tabs: number
  browser: BrowserName
  hosts: Hosts
  onProgress(line: string): void
}

export interface RunReport {
  /** Tabs and workers that were killed, streams that were cut, restarts of the browser. */
  killed: { tabs: number; workers: number; streams: number; browsers: number }
  atMostOnce: { handled: number; twice: number; lost: number }
  atLeastOnce: { handled: number; twice: number; lost: number }
  problems: string[]
}

const appDir = fileURLToPath(new URL('../browser/app/dist', import.meta.url))
/** How many events may wait to be handled: a claim is held against what it does, not against the log's bounds. */
const MOST_WAITING = 300
/** ms for the last events to be handled, a backoff of 30 s included. */
const PATIENCE = 120_000
/** ms for one step of the test. */
const STEP_LIMIT = 60_000
/** How often the browser is killed, with all that is in it. */
const RESTARTS = 3

/** Tabs and workers are killed at random moments, while two claims handle each event. Then quiet, then the count. */
export const run = async ({
  seed,
  events,
  tabs: size,
  browser,
  hosts,
  onProgress,
}: RunOptions): Promise<RunReport> => {
  const random = createRandom(seed)
  const server = createClaimServer()
  const odd = await startOddServer(appDir, server.answers)
  const user = await startUser(browser)
  const killed = { tabs: 0, workers: 0, streams: 0, browsers: 0 }
  const problems: string[] = []
  let tabs: Tab[] = []
  let opened = 0

  const open = async () => {
    const host = hosts === 'worker' || (hosts === 'mixed' && ++opened % 2 === 0) ? 'worker' : 'shared-worker'
    const connect = { heartbeat: { timeout: 1_000, misses: 2 } }
    const tab = await openTab(user.context(), odd.url, { url: '/stream', exchange: null, host, connect })
    await tab.page.evaluate(() => window.claimForServer())
    return tab
  }
  const fill = async () => {
    while (tabs.length < size) tabs.push(await open())
  }
  const killTab = async (tab: Tab | undefined) => {
    if (tab === undefined) return
    tabs = tabs.filter((other) => other !== tab)
    killed.tabs++
    await tab.crash()
    await tab.close().catch(() => {})
    await fill()
  }
  const faults = [
    () => killTab(pick(random, tabs)),
    () => killTab(pick(random, tabs)),
    async () => killTab(await leaderOf(tabs)),
    async () => {
      killed.workers++
      await pick(random, tabs).harm('close')
    },
    async () => {
      killed.streams++
      server.cut()
    },
    () => setVisible(pick(random, tabs).page, random() < 0.5),
  ]
  const restart = async () => {
    killed.browsers++
    killed.tabs += tabs.length
    tabs = []
    await user.restart(() => pause(500))
    await fill()
  }
  const handled = () => Math.min(server.count('bell', 'began').events, server.count('work', 'done').events)

  try {
    await fill()
    await until(async () => (await tabs[0]!.inspect()).claims.length === 2, 'the claims have begun')
    let nextFault = Date.now()
    let [stalledAt, last] = [Date.now(), 0]
    while (server.published() < events) {
      // What died with its tab is never handled: it is not waited for.
      const waiting = server.published() - handled() - killed.tabs
      if (waiting < MOST_WAITING)
        server.publish(Math.min(1 + Math.floor(random() * 20), events - server.published()))
      if (Date.now() > nextFault) {
        const isDue =
          browser === 'chromium' && killed.browsers < (RESTARTS * server.published()) / events - 0.5
        await within(STEP_LIMIT, isDue ? restart() : pick(random, faults)(), 'a fault')
        nextFault = Date.now() + 200 + random() * 1_500
      }
      await pause(10)
      const before = last
      if (handled() > last) [stalledAt, last] = [Date.now(), handled()]
      if (Date.now() - stalledAt > PATIENCE) throw new Error(`nothing is handled: ${await describe(tabs)}`)
      if (Math.floor(last / 1_000) > Math.floor(before / 1_000))
        onProgress(`${last} of ${events} events, ${killed.tabs} tabs and ${killed.workers} workers killed`)
    }
    await until(() => server.missing('work', 'done').length === 0, 'all work is done').catch(
      async (error) => {
        problems.push(`${(error as Error).message}: ${await describe(tabs)}`)
      },
    )
    await until(() => server.missing('bell', 'began').length <= killed.tabs, 'all bells have rung').catch(
      () => {},
    )
    // What is still on its way comes within this time.
    await pause(3_000)
  } catch (error) {
    problems.push((error as Error).message)
  } finally {
    await within(10_000, user.close(), 'closing the browser').catch((error: Error) =>
      problems.push(error.message),
    )
    await odd.close()
    server.close()
  }
  const bell = server.count('bell', 'began')
  const work = server.count('work', 'done')
  const lost = { bell: server.missing('bell', 'began'), work: server.missing('work', 'done') }
  if (bell.repeated > 0) problems.push(`at most once: ${bell.repeated} events were handled twice`)
  if (lost.bell.length > killed.tabs)
    problems.push(`at most once: ${lost.bell.length} events were lost, and ${killed.tabs} tabs died`)
  if (lost.work.length > 0) problems.push(`at least once: lost ${lost.work.slice(0, 20)}`)
  return {
    killed,
    atMostOnce: { handled: bell.events, twice: bell.repeated, lost: lost.bell.length },
    atLeastOnce: { handled: work.events, twice: work.repeated, lost: lost.work.length },
    problems,
  }
}

const until = async (condition: () => boolean | Promise<boolean>, what: string) => {
  for (const start = Date.now(); !(await condition()); await pause(50))
    if (Date.now() - start > PATIENCE) throw new Error(`${what}: not within ${PATIENCE / 1_000} s`)
}

const describe = async (tabs: Tab[]) =>
  JSON.stringify(
    await Promise.all(
      tabs.map((tab) => within(5_000, tab.inspect({ timeline: 20 }), 'an inspection').catch(String)),
    ),
  )
