import { quantile } from '../../statistics.ts'
import { openTabs, type World } from '../tabs.ts'

/** Six tabs are usual, and one of them is in front. */
const TABS = 6
const RATE = 1_000
const SECONDS = 10
const SIZE = 150

export interface Hidden {
  /** Of the browser, in % of a core; `NaN`: not told. */
  cpu: number
  /** ms from the server to the tab in view. */
  p99: number
  /** ms from the server to a hidden tab, at most. */
  hiddenMost: number
  /** ms until a tab that comes into view has all that it lacked. */
  catchUp: number
}

/** P14: events at a rate to tabs of which all but one are hidden. A page counts as hidden if its document says so. */
export const hidden = async (world: World, variant: string): Promise<Hidden> => {
  const seats = await openTabs(world, variant, TABS)
  try {
    const [inView, ...others] = seats.tabs
    for (const tab of others) await tab.evaluate('bench.setHidden(true)')
    await seats.send({ count: RATE, size: SIZE, rate: RATE })
    const before = { cpu: world.browser.cpu(), at: performance.now() }
    const { heard } = await seats.send({ count: RATE * SECONDS, size: SIZE, rate: RATE })
    const ms = performance.now() - before.at
    const cpu = world.browser.cpu()
    const most = heard.slice(1).flatMap(({ latencies }) => latencies)
    return {
      cpu: cpu === null || before.cpu === null ? Number.NaN : ((cpu - before.cpu) / ms) * 100,
      p99: quantile(heard[0]!.latencies, 0.99),
      hiddenMost: most.reduce((a, b) => Math.max(a, b), 0),
      catchUp: await seats.catchUp(inView!, others[0]!, { count: RATE / 2, size: SIZE, rate: RATE }),
    }
  } finally {
    await seats.close()
  }
}
