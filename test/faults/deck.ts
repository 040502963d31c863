import { createRandom } from '../random.ts'
import type { Fault } from './faults.ts'

/** What the deck looks at. */
type Dealt = Pick<Fault, 'name' | 'deadly' | 'long'>

/** Within so many ms at most so many hubs die: one more, and `failed` is what is promised (T2). */
const DEATHS_WITHIN = 65_000
const DEATHS = 4

const shuffle = <T>(items: T[], seed: number): T[] => {
  const random = createRandom(seed)
  const keys = new Map(items.map((item) => [item, random()]))
  return [...items].sort((a, b) => keys.get(a)! - keys.get(b)!)
}

/**
 * Deals every fault before any comes again, but for those that take long, which come once a run; which drawing at random does not. Packs are the same for all seeds:
 * a seed goes on where the one before it stopped, so that few and short runs see them all.
 * @param skip cards that are taken by the seeds before
 * @returns the next fault; takes the time, in ms
 */
export const createDeck = <Card extends Dealt>(faults: Card[], skip: number) => {
  let at = skip
  const waiting: Card[] = []
  let deaths: number[] = []
  const lengthy = faults.filter(({ long }) => long)
  const brief = faults.filter(({ long }) => !long)
  const next = () => {
    // What takes a minute or two: each once a run, and first.
    if (lengthy.length > 0) return lengthy.shift()!
    const pack = shuffle(brief, 1 + Math.floor(at / brief.length))
    return pack[at++ % pack.length]!
  }
  return (now: number): Card => {
    deaths = deaths.filter((death) => now - death < DEATHS_WITHIN)
    const spared = deaths.length >= DEATHS
    const ready = waiting.findIndex(({ deadly }) => !(deadly && spared))
    let fault = ready < 0 ? next() : waiting.splice(ready, 1)[0]!
    while (spared && fault.deadly) {
      waiting.push(fault)
      fault = next()
    }
    if (fault.deadly) deaths.push(now)
    return fault
  }
}
