import type { BenchTab } from '../browser.ts'
import { newRun, untilIdle, type World } from '../tabs.ts'

const opening = (variant: string, run: string) =>
  variant === 'bare' ? `bench.bareWorker("${run}")` : `bench.open(${JSON.stringify(variant)}, "${run}")`

/** ms from `connect()` to an open stream, with nothing running yet. */
export const coldStart = async (world: World, variant: string) => {
  const tab = await world.browser.openTab(world.server.url(false))
  try {
    return await tab.evaluate<number>(opening(variant, newRun()))
  } finally {
    await tab.close()
  }
}

/** The same for a second tab, or for the one that comes to `others` tabs. */
export const laterTab = async (world: World, variant: string, others = 1) => {
  const run = newRun()
  const tabs: BenchTab[] = []
  const add = async () => {
    const tab = await world.browser.openTab(world.server.url(false))
    tabs.push(tab)
    return tab.evaluate<number>(opening(variant, run))
  }
  try {
    for (let count = 0; count < others; count++) await add()
    await untilIdle(world.browser)
    return await add()
  } finally {
    for (const tab of tabs) await tab.close()
  }
}
