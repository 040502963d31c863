import { within } from '../within.ts'
import type { BenchBrowser, BenchTab } from './browser.ts'
import type { Send } from './event-server.ts'
import type { Server } from './start-server.ts'

export interface World {
  browser: BenchBrowser
  server: Server
}

/** What one tab heard. */
export interface Heard {
  count: number
  misplaced: number
  last: number
  lastAt: number
  latencies: number[]
  longTasks: number[]
  complaints: string[]
}

/** ms after which a run is given up: a variant that cannot keep up would hold up all others. */
const PATIENCE = 120_000

let runs = 0
/** Names what no other run shares: worker, lock, log and stream. */
export const newRun = () => `${process.pid}-${++runs}`

/** A browser is busy with itself for seconds after its start, and after each window. */
export const untilIdle = async (browser: BenchBrowser) => {
  for (let looks = 0; looks < 40; looks++) {
    const before = browser.cpu()
    if (before === null) return
    await new Promise((resolve) => setTimeout(resolve, 500))
    if (browser.cpu()! - before < 50) return
  }
  throw new Error('The browser does not come to rest.')
}

/** Opens a stream in so many new tabs, one after the other. `secure`: over HTTP/2. */
export const openTabs = async (
  { browser, server }: World,
  variant: string,
  count: number,
  secure = false,
) => {
  const run = newRun()
  const tabs: BenchTab[] = []
  const url = server.url(secure)
  const name = JSON.stringify(variant)
  let last = 0

  const add = async () => {
    const tab = await browser.openTab(url)
    tabs.push(tab)
    await within(
      PATIENCE,
      tab.evaluate(`bench.open(${name}, "${run}")`),
      `${variant}: opening tab ${tabs.length}`,
    )
    return tab
  }
  for (let each = 0; each < count; each++) await add()
  await untilIdle(browser)

  return {
    run,
    tabs,
    add,
    /**
     * Sends so many events, waits for the last one in every tab, and makes sure that each came once and in order.
     * @throws Error one did not
     */
    async send(events: Omit<Send, 'run' | 'from'>) {
      for (const tab of tabs) await tab.evaluate('void bench.clear()')
      const from = last + 1
      last += events.count
      const startedAt = await server.send({ run, from, ...events })
      const heard = await within(
        PATIENCE,
        Promise.all(
          tabs.map(async (tab) => {
            await tab.evaluate(`bench.until(${last})`)
            return tab.evaluate<Heard>('bench.heard')
          }),
        ),
        `${variant}: ${events.count} events of ${events.size} B`,
      )
      for (const { count, misplaced, complaints } of heard)
        if (misplaced > 0 || count !== events.count)
          throw new Error(
            `${variant}: heard ${count} of ${events.count} events, ${misplaced} out of their place. ${complaints}`,
          )
      return { heard, ms: Math.max(...heard.map(({ lastAt }) => lastAt)) - startedAt }
    },
    /**
     * Sends so many events, and shows a hidden tab as soon as `inView` has them all.
     * @returns ms from there until the tab that was hidden has them all too
     */
    async catchUp(inView: BenchTab, hidden: BenchTab, events: Omit<Send, 'run' | 'from'>) {
      for (const tab of tabs) await tab.evaluate('void bench.clear()')
      const from = last + 1
      last += events.count
      await server.send({ run, from, ...events })
      await within(PATIENCE, inView.evaluate(`bench.until(${last})`), `${variant}: the tab in view`)
      return within(PATIENCE, hidden.evaluate<number>(`bench.show(${last})`), `${variant}: a tab shown`)
    },
    async close() {
      for (const tab of tabs) await tab.close()
      await server.end(run)
    },
  }
}
