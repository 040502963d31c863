import { setTimeout as pause } from 'node:timers/promises'
import type { Tab } from '../browser/tab.ts'

/** Resolves once the tab's newest event is this one or a later one. Asked from here: a hidden page's own timers run once a minute. */
export const untilHeard = async ({ page }: Tab, last: number, timeout: number) => {
  for (const start = Date.now(); ; await pause(10)) {
    if ((await page.evaluate(() => window.record.events.at(-1)?.n ?? 0)) >= last) return
    if (Date.now() - start > timeout) throw new Error(`${last} has not arrived after ${timeout} ms`)
  }
}
