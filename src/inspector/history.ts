import type { Happening, Inspection } from '../shared/inspection.ts'

/** Entries over all hubs; each keeps 200 of its own. */
const KEPT = 1_000

export interface Lived extends Happening {
  /** Stays the same for an entry, while newer ones come. */
  key: string
}

/** The time lines of the hubs that were seen, one after the other: with a dead one goes what it knew. */
export const createHistory = () => {
  let past: Lived[] = []
  let present: Lived[] = []
  let incarnation = ''

  return {
    take(inspection: Pick<Inspection, 'incarnation' | 'timeline'>) {
      if (inspection.incarnation !== incarnation) {
        past = [...past, ...present].slice(-KEPT)
        present = []
        incarnation = inspection.incarnation
      }
      const counts = new Map<string, number>()
      present = inspection.timeline.map((happening) => {
        const { at, what, is, note } = happening
        const name = `${incarnation} ${at} ${what} ${is} ${note}`
        const nth = (counts.get(name) ?? 0) + 1
        counts.set(name, nth)
        return { ...happening, key: `${name} ${nth}` }
      })
    },
    all: (): Lived[] => [...past, ...present],
  }
}

export interface Span {
  from: number
  to: number
  state: string
}

/** The states one after the other, each until the next one, the last one until `now`. */
export const spansOf = (happenings: Happening[], now: number): Span[] => {
  const spans: Span[] = []
  for (const { what, is, at } of happenings) {
    // A hub that begins knows of no state yet.
    if (what !== 'state' && what !== 'hub') continue
    const before = spans.at(-1)
    if (before !== undefined) before.to = at
    spans.push({ from: at, to: now, state: what === 'hub' ? 'idle' : is })
  }
  return spans
}
