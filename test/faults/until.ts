import { setTimeout as pause } from 'node:timers/promises'
import type { Tab } from '../browser/tab.ts'
import type { Scene } from './faults.ts'

/** Resolves once the tab's newest event is this one or a later one. Asked from here: a hidden page's own timers run once a minute. */
export const untilHeard = async ({ page }: Tab, last: number, timeout: number) => {
  for (const start = Date.now(); ; await pause(10)) {
    if ((await page.evaluate(() => window.record.events.at(-1)?.n ?? 0)) >= last) return
    if (Date.now() - start > timeout) throw new Error(`${last} has not arrived after ${timeout} ms`)
  }
}

/** ms: three refusals after other faults wait up to 30 s each (S4). */
const PATIENCE = 120_000

/** Waits for what the browser does by itself, which takes as long as its backoff. */
export const until = async (
  { pause }: Pick<Scene, 'pause'>,
  condition: () => boolean | Promise<boolean>,
  what: string,
  patience = PATIENCE,
) => {
  for (const start = Date.now(); !(await condition()); await pause(50))
    if (Date.now() - start > patience) throw new Error(`${what}: not within ${patience / 1_000} s`)
}
