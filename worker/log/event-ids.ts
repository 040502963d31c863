import type { LoggedEvent } from '../../src/shared/events.ts'

const NONE: readonly number[] = []

/**
 * Which own ids a log holds, and where (D3). Events are compared only when an id comes again, so the usual
 * event costs a look-up and no hash of its data.
 */
export interface EventIds {
  /** The places at which `id` stands, the oldest first. */
  seqsOf(id: string): readonly number[]
  /** Leaves out an event that inherited its id: other events may have the same id. */
  add(event: LoggedEvent): void
  /** Forgets what lies before `seq`. */
  trim(seq: number): void
  /** Forgets what lies beyond `seq`. */
  cut(seq: number): void
  clear(): void
}

export const createEventIds = (): EventIds => {
  const seqsById = new Map<string, number[]>()
  /** In order of seq, for trimming. */
  let held: { seq: number; id: string }[] = []

  return {
    seqsOf: (id) => seqsById.get(id) ?? NONE,
    add({ seq, id, hasOwnId }) {
      if (!hasOwnId) return
      held.push({ seq, id })
      const seqs = seqsById.get(id)
      if (seqs === undefined) seqsById.set(id, [seq])
      else seqs.push(seq)
    },
    trim(first) {
      let drop = 0
      for (; drop < held.length && held[drop]!.seq < first; drop++) {
        const seqs = seqsById.get(held[drop]!.id)!
        seqs.shift()
        if (seqs.length === 0) seqsById.delete(held[drop]!.id)
      }
      if (drop > 0) held = held.slice(drop)
    },
    cut(last) {
      for (let newest = held.at(-1); newest !== undefined && newest.seq > last; newest = held.at(-1)) {
        held.pop()
        const seqs = seqsById.get(newest.id)!
        seqs.pop()
        if (seqs.length === 0) seqsById.delete(newest.id)
      }
    },
    clear() {
      seqsById.clear()
      held = []
    },
  }
}
