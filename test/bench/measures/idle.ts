import { setTimeout as pause } from 'node:timers/promises'
import { openTabs, untilIdle, type World } from '../tabs.ts'

/** ms after which a hub has done all that it does once: ten seconds after the stream has opened, it counts as healthy (S4). */
const WARM_UP = 12_000

/**
 * Tabs to which nothing happens. @returns CPU of the browser in % of a core, and wake-ups a second of all tabs and their
 * worker; `NaN`: not told
 */
export const idle = async (
  world: World,
  variant: string,
  { tabs, seconds }: { tabs: number; seconds: number },
) => {
  const seats = await openTabs(world, variant, tabs)
  const wakeUps = async () => {
    let sum = variant === 'blank' ? 0 : ((await world.browser.workerWakeUps()) ?? Number.NaN)
    for (const tab of seats.tabs) sum += await tab.evaluate<number>('wakeUps.count')
    return sum
  }
  try {
    await untilIdle(world.browser)
    await pause(WARM_UP)
    const before = { wakeUps: await wakeUps(), cpu: world.browser.cpu(), at: performance.now() }
    await pause(seconds * 1_000)
    const ms = performance.now() - before.at
    const cpu = world.browser.cpu()
    return {
      cpu: cpu === null || before.cpu === null ? Number.NaN : ((cpu - before.cpu) / ms) * 100,
      wakeUps: ((await wakeUps()) - before.wakeUps) / (ms / 1_000),
    }
  } finally {
    await seats.close()
  }
}
