import { openTabs, type World } from '../tabs.ts'

/** As fast as it goes. @returns deliveries a second, over all tabs */
export const flood = async (world: World, variant: string, tabs: number, size: number, count: number) => {
  const seats = await openTabs(world, variant, tabs, tabs > 6)
  try {
    // A first burst, for what is compiled and allocated once.
    await seats.send({ count: Math.min(count, 500), size, rate: null })
    const { ms } = await seats.send({ count, size, rate: null })
    return (tabs * count * 1_000) / ms
  } finally {
    await seats.close()
  }
}
