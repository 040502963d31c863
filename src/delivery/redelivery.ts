import type { LoggedEvent } from '../shared/events.ts'

/** How many uncommitted events a tab remembers. Without IndexedDB no event is ever committed. */
const REMEMBERED = 10_000
/** How many committed events a tab remembers, without data: the next hub may have no IndexedDB, and not know them. */
const REMEMBERED_COMMITTED = 1_000

/** An event without its data. */
type Outline = Omit<LoggedEvent, 'data'> & { size: number }

/** What tells an event. A hub's log may hold one without an id of its own: its time tells that from similar ones. */
const markOf = ({ id, hasOwnId, type, at, topic }: Omit<LoggedEvent, 'seq' | 'data'>): string =>
  `${id}\n${type}\n${hasOwnId ? '' : at}\n${topic ?? ''}\n`
const outlineOf = ({ data, ...rest }: LoggedEvent): Outline => ({ ...rest, size: data.length })
const outlineKey = (outline: Outline): string => `${markOf(outline)}${outline.size}\n`
const eventKey = (event: LoggedEvent): string => `${markOf(event)}\n${event.data}`

const countEach = (keys: string[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/**
 * Recognises events that a tab has taken, and gets again under another seq (D2). A hub that does not know what a dead
 * one delivered gives out the same seqs again. So only id, type and data tell an event. An event that the tab has
 * taken, and the present log lacks, is *lost* until the present hub delivers it again.
 */
export interface Redelivery {
  /** Another log goes on: events of the log before say nothing of it. */
  clear(): void
  /** The tab has taken these. The hub's log is committed up to the seq `committedUpTo`. */
  remember(events: LoggedEvent[], committedUpTo: number): void
  /** The log goes on from `seq`, without what the tab took after it. @returns whether the server may send that again */
  rewind(seq: number): boolean
  /** Whether the tab has had this event, and the present hub has not delivered it yet. */
  isLost(event: LoggedEvent): boolean
  /** Whether the listeners have heard this event: it is lost, or it has no own id and is older than the newest one. */
  isRepeated(event: LoggedEvent): boolean
  /** The present hub has delivered this event: the next one that equals it is new. */
  settle(event: LoggedEvent): void
}

export const createRedelivery = (): Redelivery => {
  let uncommitted: LoggedEvent[] = []
  let committed: Outline[] = []
  /** How often each event was lost: the server may have sent the same event twice (D3). */
  const lost = new Map<string, number>()
  /** When the hub received the newest event that the tab has taken, in ms since 1970. */
  let newestAt = 0

  const lostKeyOf = (event: LoggedEvent): string | undefined =>
    lost.size === 0 ? undefined : [eventKey(event), outlineKey(outlineOf(event))].find((key) => lost.has(key))
  const isLost = (event: LoggedEvent) => lostKeyOf(event) !== undefined

  return {
    clear() {
      uncommitted = []
      committed = []
      lost.clear()
    },
    // Repeated events are remembered too, under their new seq: this hub may also die before it commits them.
    remember(events, committedUpTo) {
      newestAt = Math.max(newestAt, events.at(-1)?.at ?? 0)
      const all = uncommitted.length === 0 ? events : [...uncommitted, ...events]
      const settled = all.filter(({ seq }) => seq <= committedUpTo)
      uncommitted = all.filter(({ seq }) => seq > committedUpTo).slice(-REMEMBERED)
      if (settled.length > 0)
        committed = [...committed, ...settled.map(outlineOf)].slice(-REMEMBERED_COMMITTED)
    },
    rewind(seq) {
      const events = uncommitted.filter((each) => each.seq > seq)
      const outlines = committed.filter((each) => each.seq > seq)
      // An event that an earlier rewind has counted must not count twice.
      for (const [key, count] of countEach([...events.map(eventKey), ...outlines.map(outlineKey)]))
        lost.set(key, Math.max(count, lost.get(key) ?? 0))
      return [...events, ...outlines].some(({ hasOwnId }) => hasOwnId)
    },
    isLost,
    isRepeated: (event) => lost.size > 0 && (isLost(event) || (!event.hasOwnId && event.at < newestAt)),
    settle(event) {
      const key = lostKeyOf(event)
      if (key === undefined) return
      const left = lost.get(key)! - 1
      if (left > 0) lost.set(key, left)
      else lost.delete(key)
    },
  }
}
