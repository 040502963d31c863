import { isControl } from '../shared/control.ts'
import type { Cursor, LoggedEvent } from '../shared/events.ts'
import type { Batch, Lineage } from '../shared/protocol.ts'
import { createRedelivery } from './redelivery.ts'
import { createStartingPoint } from './starting-point.ts'

/**
 * What a tab has taken, so that it takes nothing twice (D2), and nothing from before it began (D5). Within one log,
 * the seq decides. Another hub may go on with less than the tab has had: then redelivery.ts and starting-point.ts
 * decide.
 */
export interface Intake {
  /** The last event that the tab has taken; `null`: no hub has told it where it begins. */
  cursor(): Cursor | null
  /** What the last welcome or batch said of the log; `null`: there was none. */
  lineage(): Lineage | null
  /** The tab has attached to a hub, which goes on from here. */
  welcome(from: Cursor, lineage: Lineage): void
  /** @returns the events of the batch that are new to this tab, in order */
  take(batch: Batch): LoggedEvent[]
}

export const createIntake = (): Intake => {
  let cursor: Cursor | null = null
  let lineage: Lineage | null = null
  const redelivery = createRedelivery()
  const startingPoint = createStartingPoint(redelivery.isLost)

  /** Another log, or what is left of this one, goes on from here. */
  const resume = (from: Cursor, id: string | null) => {
    if (cursor?.epoch !== from.epoch) redelivery.clear()
    startingPoint.resume(from, id, redelivery.rewind(from.seq))
    cursor = from
  }
  /** Leaves out events from before the tab began. */
  const fromStart = (events: LoggedEvent[]): LoggedEvent[] => {
    const taken: LoggedEvent[] = []
    for (const event of events) {
      if (!startingPoint.precedes(event)) taken.push(event)
      startingPoint.pass(event)
    }
    if (taken[0] !== undefined) startingPoint.took(taken[0])
    return taken
  }
  /** Leaves out events that the listeners have heard. */
  const unheard = (events: LoggedEvent[]): LoggedEvent[] => {
    const fresh: LoggedEvent[] = []
    for (const event of events) {
      // A control is true wherever it stands, however often it is told.
      if (isControl(event) || !redelivery.isRepeated(event)) fresh.push(event)
      redelivery.settle(event)
    }
    return fresh
  }

  return {
    cursor: () => cursor,
    lineage: () => lineage,
    welcome(from, told) {
      resume(from, told.lastEventId)
      lineage = told
      if (!startingPoint.isSet()) startingPoint.set(from, told.lastEventId)
    },
    take({ epoch, rewind, to, term, leaders, committedUpTo, lastEventId: id, streamClient, reset, events }) {
      if (rewind !== null) resume({ epoch, seq: rewind.seq }, rewind.id)
      const isOtherLog = cursor?.epoch !== epoch
      // seqs of one log say nothing of another's.
      if (isOtherLog) {
        redelivery.clear()
        startingPoint.set({ epoch, seq: (events[0]?.seq ?? to + 1) - 1 }, events.length === 0 ? id : null)
      }
      const after = isOtherLog ? 0 : cursor!.seq
      const taken = fromStart(events.filter(({ seq }) => seq > after))
      const fresh = unheard(taken)
      redelivery.remember(
        taken.filter((event) => !isControl(event)),
        committedUpTo,
      )
      // A reset may also move the cursor back: what lay beyond is no part of the log any more.
      cursor = { epoch, seq: reset === null ? Math.max(after, to) : to }
      lineage = {
        term,
        leaders: leaders ?? lineage?.leaders ?? [],
        committedUpTo,
        lastEventId: to < cursor.seq ? (lineage?.lastEventId ?? null) : id,
        streamClient,
      }
      if (reset !== null) startingPoint.set(cursor, lineage.lastEventId)
      return fresh
    },
  }
}
