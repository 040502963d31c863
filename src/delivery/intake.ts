import type { Cursor, LoggedEvent } from '../shared/events.ts'
import type { Batch, Lineage } from '../shared/protocol.ts'
import { createGhosts } from './redelivery.ts'
import { createBeginning } from './starting-point.ts'

/**
 * What a tab has taken, so that it takes nothing twice (D2), and nothing from before it began (D5). Within one
 * log the seq tells; where another hub goes on with less than the tab has had, redelivery.ts and starting-point.ts do.
 */
export const createIntake = () => {
  let cursor: Cursor | null = null
  let lineage: Lineage | null = null
  const ghosts = createGhosts()
  const beginning = createBeginning(ghosts.has)

  /** Another log, or what is left of this one, goes on from here. */
  const resume = (from: Cursor, id: string | null) => {
    if (cursor?.epoch !== from.epoch) ghosts.clear()
    beginning.resume(from, id, ghosts.raise(from.seq))
    cursor = from
  }

  return {
    cursor: () => cursor,
    lineage: () => lineage,
    /** A hub goes on from here. */
    welcome(from: Cursor, told: Lineage) {
      resume(from, told.lastEventId)
      lineage = told
      if (!beginning.isSet()) beginning.set(from, told.lastEventId)
    },
    /** @returns the events of the batch that are new to this tab, in order */
    take({
      epoch,
      rewind,
      to,
      term,
      leaders,
      committedUpTo: durable,
      lastEventId: id,
      streamClient,
      reset,
      events,
    }: Batch): LoggedEvent[] {
      if (rewind !== null) resume({ epoch, seq: rewind.seq }, rewind.id)
      const enters = cursor?.epoch !== epoch
      // seqs of one log say nothing of another's.
      if (enters) {
        ghosts.clear()
        beginning.set({ epoch, seq: (events[0]?.seq ?? to + 1) - 1 }, events.length === 0 ? id : null)
      }
      const after = enters ? 0 : cursor!.seq
      const later = events.filter((event) => event.seq > after && !beginning.precedes(event))
      if (later[0] !== undefined) beginning.took(later[0])
      const fresh = later.filter((event) => !ghosts.lay(event))
      ghosts.remember(later, durable)
      // A reset may also take it back: what was beyond is no part of the log any more.
      cursor = { epoch, seq: reset === null ? Math.max(after, to) : to }
      lineage = {
        term,
        leaders: leaders ?? lineage?.leaders ?? [],
        committedUpTo: durable,
        lastEventId: to < cursor.seq ? (lineage?.lastEventId ?? null) : id,
        streamClient,
      }
      if (reset !== null) beginning.set(cursor, lineage.lastEventId)
      return fresh
    },
  }
}
