import { newRun, openTabs, type World } from '../tabs.ts'

/** ms from `connect()` to an open stream, with nothing running yet. */
export const coldStart = async (world: World, variant: string) => {
  const tab = await world.browser.openTab(world.server.url(false))
  try {
    const run = newRun()
    return await tab.evaluate<number>(
      variant === 'bare' ? `bench.bareWorker("${run}")` : `bench.open(${JSON.stringify(variant)}, "${run}")`,
    )
  } finally {
    await tab.close()
  }
}

/** The same for a second tab. */
export const secondTab = async (world: World, variant: string) => {
  const seats = await openTabs(world, variant, 1)
  const tab = await world.browser.openTab(world.server.url(false))
  try {
    return await tab.evaluate<number>(`bench.open(${JSON.stringify(variant)}, "${seats.run}")`)
  } finally {
    await tab.close()
    await seats.close()
  }
}
