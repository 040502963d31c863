import type { BenchTab } from '../browser.ts'
import { openTabs, type World } from '../tabs.ts'

const MB = 1024 * 1024
const EVENTS_A_ROUND = 20_000

/**
 * Many events, while tabs come and go. @returns how many MB the heaps of the worker and of the tab that stayed have
 * grown; `null`: the browser does not tell
 */
export const soak = async (world: World, events: number, onProgress: (done: number) => void) => {
  const seats = await openTabs(world, 'tabstream', 6)
  const stays = seats.tabs[0]!
  const heaps = async () => [await world.browser.workerHeap(), await stays.heap()]
  const round = async () => {
    await seats.send({ count: EVENTS_A_ROUND, size: 150, rate: null })
    const [leaves] = seats.tabs.splice(1, 1) as [BenchTab]
    await leaves.close()
    await seats.add()
    // A tab that comes late hears from where it came: its count begins there.
    await seats.tabs.at(-1)!.evaluate(`void (bench.heard.last = ${(done + 1) * EVENTS_A_ROUND})`)
  }
  let done = 0
  try {
    // What is compiled, cached and filled once, the log above all.
    for (; done < 3; done++) await round()
    const [workerBefore, tabBefore] = await heaps()
    for (const rounds = 3 + events / EVENTS_A_ROUND; done < rounds; done++) {
      await round()
      onProgress((done - 2) * EVENTS_A_ROUND)
    }
    const [worker, tab] = await heaps()
    const grown = (after: number | null | undefined, before: number | null | undefined) =>
      after == null || before == null ? null : (after - before) / MB
    return { worker: grown(worker, workerBefore), tab: grown(tab, tabBefore) }
  } finally {
    await seats.close()
  }
}
