import type { LoggedEvent } from '../shared/events.ts'

/** How many uncommitted events a tab remembers: without IndexedDB none is ever committed. */
const REMEMBERED = 10_000
/** How many committed ones, of which a hub without IndexedDB may know nothing; without their data. */
const REMEMBERED_COMMITTED = 1_000

type Outline = Omit<LoggedEvent, 'data'> & { size: number }

/** One without an id is never sent again, but a hub's log may hold it: when it came tells it from its like. */
const markOf = ({ id, hasOwnId: own, type, at }: Omit<LoggedEvent, 'seq' | 'data'>): string =>
  `${id}\n${type}\n${own ? '' : at}\n`
const outlineOf = ({ seq, id, hasOwnId: own, type, at, data }: LoggedEvent): Outline => ({
  seq,
  id,
  hasOwnId: own,
  type,
  at,
  size: data.length,
})
const outlined = (outline: Outline): string => `${markOf(outline)}${outline.size}\n`
const identityOf = (event: LoggedEvent): string => `${markOf(event)}\n${event.data}`

/**
 * What a tab has taken, to be recognised where it comes again under another seq (D2): the one who counts anew is
 * a hub that knows nothing of it. Only the event itself tells then: its id, type and data.
 */
export const createGhosts = () => {
  let uncommitted: LoggedEvent[] = []
  let committed: Outline[] = []
  /** Taken, and never seen by the present hub. */
  const ghosts = new Set<string>()
  /** When the newest that was taken had come, in ms since 1970. */
  let newest = 0

  /** The ghost that it is, if it is one. */
  const ghostOf = (event: LoggedEvent): string | undefined =>
    ghosts.size === 0
      ? undefined
      : [identityOf(event), outlined(outlineOf(event))].find((each) => ghosts.has(each))

  return {
    /** Those of another log mean nothing. */
    clear() {
      uncommitted = []
      committed = []
      ghosts.clear()
    },
    /** Taken, and committed up to `durable`. Ghosts too, under their new seq: this hub may die as well before that. */
    remember(events: LoggedEvent[], durable: number) {
      newest = Math.max(newest, events.at(-1)?.at ?? 0)
      const all = uncommitted.length === 0 ? events : [...uncommitted, ...events]
      const settled = all.filter(({ seq }) => seq <= durable)
      uncommitted = all.filter(({ seq }) => seq > durable).slice(-REMEMBERED)
      if (settled.length > 0)
        committed = [...committed, ...settled.map(outlineOf)].slice(-REMEMBERED_COMMITTED)
    },
    /** The log goes on from `seq`, without what was taken after it. @returns whether any of that can be sent again */
    raise(seq: number): boolean {
      const lost = uncommitted.filter((each) => each.seq > seq)
      const lostOutlines = committed.filter((each) => each.seq > seq)
      for (const event of lost) ghosts.add(identityOf(event))
      for (const outline of lostOutlines) ghosts.add(outlined(outline))
      return [...lost, ...lostOutlines].some(({ hasOwnId: own }) => own)
    },
    has: (event: LoggedEvent): boolean => ghostOf(event) !== undefined,
    /**
     * It has come, and is a ghost no more.
     * @returns whether it was one, or its time is over: an event without an id, of which the hub before knew nothing
     */
    lay(event: LoggedEvent): boolean {
      if (ghosts.size === 0) return false
      const ghost = ghostOf(event)
      if (ghost !== undefined) return ghosts.delete(ghost)
      return !event.hasOwnId && event.at < newest
    },
  }
}
