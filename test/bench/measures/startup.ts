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

/** The same for a second tab. */
export const secondTab = async (world: World, variant: string) => {
  const run = newRun()
  const first = await world.browser.openTab(world.server.url(false))
  await first.evaluate<number>(opening(variant, run))
  await untilIdle(world.browser)
  const tab = await world.browser.openTab(world.server.url(false))
  try {
    return await tab.evaluate<number>(opening(variant, run))
  } finally {
    await tab.close()
    await first.close()
  }
}
