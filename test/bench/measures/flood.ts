import { openTabs, type World } from '../tabs.ts'

export interface Flood {
  tabs: number
  count: number
  size: number
  types?: number
}

/** As fast as it goes. @returns deliveries a second, over all tabs */
export const flood = async (world: World, variant: string, { tabs, ...events }: Flood) => {
  const { count } = events
  const seats = await openTabs(world, variant, tabs, tabs > 6)
  try {
    // A first burst, for what is compiled and allocated once.
    await seats.send({ ...events, count: Math.min(count, 5_000), rate: null })
    const { ms } = await seats.send({ ...events, rate: null })
    return (tabs * count * 1_000) / ms
  } finally {
    await seats.close()
  }
}
