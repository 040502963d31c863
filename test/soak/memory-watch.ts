import { within } from '../within.ts'
import { type Growth, growthOf, isFlat, type Tolerance } from './flatness.ts'
import type { Row } from './table.ts'

/** Something whose memory has to stay flat. */
export interface Watched {
  name: string
  /** Bytes. */
  measure(): Promise<number>
  tolerance: Tolerance
}

/** ms for one measurement. */
const PATIENCE = 30_000
const MEGABYTE = 1_000_000

const megabytes = (bytes: number) => `${(bytes / MEGABYTE).toFixed(1)} MB`

const rowOf = ({ name, tolerance }: Watched, samples: number[]): Row => {
  const growth: Growth = growthOf(samples)
  return {
    metric: `memory: ${name}`,
    measured: `${megabytes(growth.first)}, then ${megabytes(growth.last)} (${samples.length} samples)`,
    goal: `at most ${100 * tolerance.share} % and ${megabytes(tolerance.bytes)} more`,
    isMet: isFlat(growth, tolerance),
  }
}

/** Takes samples of memory, and sets the first quarter of them against the last one. */
export interface MemoryWatch {
  sample(): Promise<void>
  /** What the last sample found, for a line of progress. */
  newest(): string
  rows(): Row[]
}

export const createMemoryWatch = (watched: Watched[]): MemoryWatch => {
  const samples = watched.map((): number[] => [])
  return {
    async sample() {
      for (const [index, { name, measure }] of watched.entries())
        samples[index]!.push(await within(PATIENCE, measure(), `the memory of ${name}`))
    },
    newest: () =>
      watched
        .map(({ name }, index) => `${name}: ${megabytes(samples[index]!.at(-1) ?? Number.NaN)}`)
        .join('; '),
    rows: () => watched.map((each, index) => rowOf(each, samples[index]!)),
  }
}
