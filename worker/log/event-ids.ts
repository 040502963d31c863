import type { LoggedEvent } from '../../src/shared/events.ts'

const NONE: readonly number[] = []

/**
 * Which own ids a log holds, and where (D3). Events are compared only when an id comes again, so the usual
 * event costs a look-up and no hash of its data.
 */
export const createIdentities = () => {
  const seqs = new Map<string, number[]>()
  /** In order of seq, for trimming. */
  let held: { seq: number; id: string }[] = []

  return {
    seqsOf: (id: string): readonly number[] => seqs.get(id) ?? NONE,
    add({ seq, id, hasOwnId: own }: LoggedEvent) {
      if (!own) return
      held.push({ seq, id })
      const known = seqs.get(id)
      if (known === undefined) seqs.set(id, [seq])
      else known.push(seq)
    },
    /** Forgets what lies before `seq`. */
    trim(first: number) {
      let drop = 0
      for (; drop < held.length && held[drop]!.seq < first; drop++) {
        const known = seqs.get(held[drop]!.id)!
        known.shift()
        if (known.length === 0) seqs.delete(held[drop]!.id)
      }
      if (drop > 0) held = held.slice(drop)
    },
    /** Forgets what lies beyond `last`. */
    cut(last: number) {
      for (let newest = held.at(-1); newest !== undefined && newest.seq > last; newest = held.at(-1)) {
        held.pop()
        const known = seqs.get(newest.id)!
        known.pop()
        if (known.length === 0) seqs.delete(newest.id)
      }
    },
    clear() {
      seqs.clear()
      held = []
    },
  }
}
