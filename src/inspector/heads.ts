import type { EventHead, Inspection, InspectOptions } from '../shared/inspection.ts'

/** Heads that are kept: a page that watches a busy stream for a day must not grow. */
const KEPT = 2_000
/** How many one question may bring; the hub gives no more. */
const MOST = 500

/** The heads of a log as an inspector has loaded them: without holes, the oldest first. */
export const createHeads = (first: number) => {
  let heads: EventHead[] = []
  let epoch = ''

  return {
    all: (): EventHead[] => heads,
    oldest: (): number | null => heads[0]?.seq ?? null,
    hasOlder: (oldest: number): boolean => heads.length > 0 && heads[0]!.seq > oldest,
    /** What to ask for next: only what is new. */
    next: (): NonNullable<InspectOptions['heads']> => {
      const newest = heads.at(-1)
      return newest === undefined ? { last: first } : { last: MOST, after: newest.seq }
    },
    take({ log, heads: found }: Pick<Inspection, 'log' | 'heads'>) {
      if (log.epoch !== epoch) heads = []
      epoch = log.epoch
      const newest = heads.at(-1)?.seq ?? 0
      const fresh = found.filter(({ seq }) => seq > newest && seq >= log.first)
      // More has come than one answer brings, or another leader's log has given the numbers anew.
      const hole = fresh.length > 0 && newest > 0 && fresh[0]!.seq !== newest + 1
      if (hole || newest > log.head) heads = []
      heads = [...heads, ...fresh].filter(({ seq }) => seq >= log.first).slice(-KEPT)
    },
    prepend(older: EventHead[]) {
      const oldest = heads[0]?.seq ?? Number.POSITIVE_INFINITY
      heads = [...older.filter(({ seq }) => seq < oldest), ...heads]
    },
  }
}
