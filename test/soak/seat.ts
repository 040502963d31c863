import { openWorkerDevtools } from '../browser/chromium/worker-devtools.ts'
import { openTab, type Tab } from '../browser/tab.ts'
import type { BrowserName } from '../browsers.ts'
import { untilHeard } from '../faults/until.ts'
import { startUser } from '../faults/user.ts'
import { firefoxMemory } from './firefox-memory.ts'

/** A browser of its own, in which a user has some tabs, and so one hub. */
export interface Seat {
  /** `ada in chromium` */
  name: string
  browser: BrowserName
  tabs: Tab[]
  /** Chromium: bytes that the hub's worker has after a collection. Firefox: bytes of the whole browser. */
  memory(): Promise<number>
  /** Resolves once every tab has an open stream again. */
  opened(timeout: number): Promise<void>
  /** Resolves once every tab has heard this number. @throws Error one has not, within so many ms */
  heard(last: number, timeout: number): Promise<void>
  close(): Promise<void>
}

export interface SeatOptions {
  browser: BrowserName
  user: string
  tabs: number
  url: string
  /** Events that the hub's log keeps: few, so that the log is full before memory is measured. */
  logEvents: number
}

export const takeSeat = async ({
  browser,
  user,
  tabs: count,
  url,
  logEvents,
}: SeatOptions): Promise<Seat> => {
  const profile = await startUser(browser)
  const workerHeap = async () => {
    const devtools = await openWorkerDevtools(profile.context().browser()!)
    try {
      return await devtools.heap()
    } finally {
      await devtools.close()
    }
  }
  const tabs: Tab[] = []
  while (tabs.length < count)
    tabs.push(await openTab(profile.context(), url, { user, connect: { log: { events: logEvents } } }))
  const opened = async (timeout: number) => {
    for (const tab of tabs) await tab.until('open', timeout)
  }
  await opened(30_000)

  return {
    name: `${user} in ${browser}`,
    browser,
    tabs,
    memory: async () => (browser === 'chromium' ? workerHeap() : firefoxMemory()),
    opened,
    async heard(last, timeout) {
      const start = Date.now()
      for (const tab of tabs) await untilHeard(tab, last, timeout - (Date.now() - start))
    },
    close: () => profile.close(),
  }
}
