import { type Heard, openTabs, type World } from '../tabs.ts'

/** ms from `connect()` until a tab that starts at the log's beginning has all of it; and the longest task in any tab. */
export const lateTab = async (world: World, events: number) => {
  const seats = await openTabs(world, 'tabstream', 2)
  try {
    await seats.send({ count: events, size: 150, rate: 20_000 })
    for (const tab of seats.tabs) await tab.evaluate('void bench.clear()')
    const tab = await world.browser.openTab(world.server.url(false))
    seats.tabs.push(tab)
    const ms = await tab.evaluate<number>(`(async () => {
      const startedAt = performance.now()
      void bench.open('tabstream, from the start', '${seats.run}')
      await bench.until(${events})
      return performance.now() - startedAt
    })()`)
    const heard = await Promise.all(seats.tabs.map((each) => each.evaluate<Heard>('bench.heard')))
    const { count, misplaced } = heard.at(-1)!
    if (count !== events || misplaced > 0) throw new Error(`The late tab heard ${count} of ${events} events.`)
    return { ms, longestTask: Math.max(0, ...heard.flatMap(({ longTasks }) => longTasks)) }
  } finally {
    await seats.close()
  }
}
