import { median } from '../statistics.ts'
import { firstEvent } from './measures/first-event.ts'
import { type Flood, flood } from './measures/flood.ts'
import { hidden } from './measures/hidden.ts'
import { idle } from './measures/idle.ts'
import { lateTab } from './measures/late-tab.ts'
import { coldStart, laterTab } from './measures/startup.ts'
import { type Load, type Steady, steady } from './measures/steady.ts'
import type { World } from './tabs.ts'

/** What a run of one job gives, by the names of what it measures. */
export type Sample = Record<string, number>

export interface Job {
  name: string
  /** Once is enough: it draws a curve, and decides nothing. */
  once?: true
  run(world: World): Promise<Sample>
}

/** Everything that people use today, and what nobody can beat. */
export const VARIANTS = [
  'tabstream',
  'native',
  'raw batches',
  'postMessage each',
  'leader tab',
  'tab-election',
  'comlink callback',
]
/** One message an event: so much slower that fewer events take as long. */
export const SLOW = new Set(['postMessage each', 'leader tab', 'tab-election', 'comlink callback'])

/** In 20,000 half of the time is that of code that is being compiled. */
const EVENTS = 60_000
const SLOW_EVENTS = 2_000

const floodJob = (variant: string, load: Flood, once?: true): Job => ({
  name: `flood ${load.size} B, ${load.tabs} tabs${load.types ? `, ${load.types} types` : ''}: ${variant}`,
  ...(once ? { once } : {}),
  run: async (world) => ({ rate: await flood(world, variant, load) }),
})

const ofSteady = ({ latencies: _, ...numbers }: Steady): Sample =>
  Object.fromEntries(Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== null))

/** Latencies of the newest run of each job, for the plots. */
export const latencies = new Map<string, number[]>()

const steadyJob = (variant: string, load: Load, once?: true): Job => {
  const name = `${load.rate}/s, ${load.tabs} tabs: ${variant}`
  return {
    name,
    ...(once ? { once } : {}),
    async run(world) {
      const measured = await steady(world, variant, load)
      latencies.set(name, measured.latencies)
      return ofSteady(measured)
    },
  }
}

const times = async (count: number, run: () => Promise<number>) => {
  const taken: number[] = []
  for (let each = 0; each < count; each++) taken.push(await run())
  return median(taken)
}

const floods = (tabs: number, once?: true) =>
  VARIANTS.map((variant) =>
    floodJob(variant, { tabs, size: 150, count: SLOW.has(variant) ? SLOW_EVENTS : EVENTS }, once),
  )

/** In the order in which each round runs them, so that what is compared stands side by side. */
export const JOBS: Job[] = [
  ...floods(6),
  ...floods(20),
  ...[1, 2, 12].flatMap((tabs) => floods(tabs, true)),
  ...[1, 10, 100].map((types) =>
    floodJob('tabstream, every type', { tabs: 6, size: 150, count: EVENTS, types }, true),
  ),
  ...['tabstream', 'native', 'raw batches'].flatMap((variant) => [
    floodJob(variant, { tabs: 6, size: 1_000, count: 5_000 }),
    floodJob(variant, { tabs: 6, size: 64 * 1024, count: 400 }),
    // As large as an event may be by default.
    floodJob(variant, { tabs: 6, size: 1024 * 1024, count: 1 }),
  ]),
  ...[6, 1].flatMap((tabs) =>
    // CPU is counted in steps of 10 ms for each process.
    ['tabstream', 'native'].map((variant) => steadyJob(variant, { tabs, rate: 10, seconds: 20, size: 150 })),
  ),
  ...['tabstream', 'blank'].map((variant) => ({
    name: `idle, 6 tabs: ${variant}`,
    run: (world: World) => idle(world, variant, { tabs: 6, seconds: 40 }),
  })),
  ...['tabstream', 'native'].map((variant) => ({
    name: `first event: ${variant}`,
    run: async (world: World) => ({ ...(await firstEvent(world, variant)) }),
  })),
  ...[...VARIANTS, 'tabstream, coalesce: 0'].map((variant) =>
    steadyJob(variant, { tabs: 6, rate: 1_000, seconds: 5, size: 150 }),
  ),
  ...['tabstream', 'native'].flatMap((variant) => [
    steadyJob(variant, { tabs: 1, rate: 10_000, seconds: 3, size: 150 }),
    steadyJob(variant, { tabs: 1, rate: 1_000, seconds: 5, size: 150 }),
    ...[2, 12, 20].map((tabs) => steadyJob(variant, { tabs, rate: 1_000, seconds: 3, size: 150 }, true)),
  ]),
  ...['tabstream, hidden', 'native'].map(
    (variant): Job => ({
      name: `1000/s, 5 of 6 tabs hidden: ${variant}`,
      run: async (world) => ({ ...(await hidden(world, variant)) }),
    }),
  ),
  ...['tabstream, attached', 'bare', 'tabstream', 'native'].map((variant) => ({
    name: `cold start: ${variant}`,
    run: async (world: World) => ({ ms: await times(3, () => coldStart(world, variant)) }),
  })),
  ...['tabstream, attached', 'bare'].map((variant) => ({
    name: `second tab: ${variant}`,
    run: async (world: World) => ({ ms: await times(3, () => laterTab(world, variant)) }),
  })),
  {
    name: '50th tab: tabstream, attached',
    run: async (world: World) => ({ ms: await laterTab(world, 'tabstream, attached', 49) }),
  },
  // Half a million deliveries, as with 20 tabs.
  ...['tabstream', 'native'].map((variant) => floodJob(variant, { tabs: 50, size: 150, count: 20_000 })),
  ...[500, 2_000, 5_000].map(
    (events): Job => ({
      name: `late tab, ${events} events`,
      ...(events === 5_000 ? {} : { once: true }),
      run: async (world) => await lateTab(world, events),
    }),
  ),
]
