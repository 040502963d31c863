import { quantile } from '../../statistics.ts'
import { openTabs, type World } from '../tabs.ts'

export interface Steady {
  p50: number
  p99: number
  /** Of the browser, in % of a core; `null`: not told. */
  cpu: number | null
  /** ms of the first tab's main thread, an event; `null`: not told. */
  mainThread: number | null
  /** Sent by the server, an event. */
  serverBytes: number
  /** ms of the server, an event. */
  serverCpu: number
  /** A sample of the latencies, for the plots. */
  latencies: number[]
}

export interface Load {
  tabs: number
  /** Events a second. */
  rate: number
  seconds: number
  size: number
}

/** Events at a rate: how late they are, and what they cost. */
export const steady = async (
  world: World,
  variant: string,
  { tabs, rate, seconds, size }: Load,
): Promise<Steady> => {
  const seats = await openTabs(world, variant, tabs, tabs > 6)
  try {
    await seats.send({ count: Math.max(20, rate), size, rate: Math.max(100, rate) })
    const first = seats.tabs[0]!
    const count = Math.round(rate * seconds)
    const before = {
      cpu: world.browser.cpu(),
      main: await first.mainThread(),
      server: await world.server.usage(),
      at: performance.now(),
    }
    const { heard } = await seats.send({ count, size, rate })
    const ms = performance.now() - before.at
    const cpu = world.browser.cpu()
    const main = await first.mainThread()
    const server = await world.server.usage()
    const latencies = heard.flatMap((each) => each.latencies)
    return {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      cpu: cpu === null || before.cpu === null ? null : ((cpu - before.cpu) / ms) * 100,
      mainThread: main === null || before.main === null ? null : (main - before.main) / count,
      serverBytes: (server.bytes - before.server.bytes) / count,
      serverCpu: (server.cpu - before.server.cpu) / count,
      latencies: latencies.filter((_, index) => index % Math.ceil(latencies.length / 500) === 0),
    }
  } finally {
    await seats.close()
  }
}
