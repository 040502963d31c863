import type { Cursor, LoggedEvent } from '../shared/events.ts'

/**
 * Where a tab began, or where a reset told it to begin anew. The tab must not hear events from before that point
 * (D5). A hub that knows less than the former one may get such events from the server again, and deliver them (D2).
 */
export interface StartingPoint {
  isSet(): boolean
  /** The tab begins here. @param id the last event ID there; `null`: not known */
  set(cursor: Cursor, id: string | null): void
  /**
   * A hub goes on with the log from here.
   *
   * @param id the last event ID there; `null`: not known
   * @param isSentAgain whether the server may send again what the tab took beyond it: that shows where early events
   *   end
   */
  resume(cursor: Cursor, id: string | null, isSentAgain: boolean): void
  /** Whether this event, the next one of the log, is from before the starting point. */
  precedes(event: LoggedEvent): boolean
  /** This event of the log has passed, whether or not the tab takes it. Must be called for each event, in order. */
  pass(event: LoggedEvent): void
  /** The tab has taken this event, the first one of a batch. */
  took(event: LoggedEvent): void
}

interface Point extends Cursor {
  id: string | null
  /** The tab has taken nothing since. */
  isUntouched: boolean
  /** The log goes on from before this point, and has not reached the point again. */
  isAhead: boolean
}

/** @param isLost whether the tab has had this event, and gets it again (redelivery.ts) */
export const createStartingPoint = (isLost: (event: LoggedEvent) => boolean): StartingPoint => {
  let point: Point | null = null

  return {
    isSet: () => point !== null,
    set(cursor, id) {
      point = { ...cursor, id, isUntouched: true, isAhead: false }
    },
    resume({ epoch, seq }, id, isSentAgain) {
      if (point === null) return
      const isMarked = !!point.id && (seq === 0 || id !== null)
      const isBefore = isMarked ? id !== point.id : isSentAgain
      point = { ...point, isAhead: epoch === point.epoch && seq < point.seq && isBefore }
    },
    precedes(event) {
      // The server never sends an event without an id of its own again, so it is new.
      if (!point?.isAhead || !event.hasOwnId) return false
      return event.id === point.id || event.seq === point.seq || (event.seq < point.seq && !isLost(event))
    },
    pass(event) {
      if (!point?.isAhead) return
      const { seq, id, hasOwnId } = event
      // A new event in between moves the end of the early events one seq further.
      if (!hasOwnId) point = { ...point, seq: point.seq + 1 }
      else if (id === point.id) point = { ...point, seq, isAhead: false }
      else point = { ...point, isAhead: seq < point.seq && !isLost(event) }
    },
    took({ seq }) {
      // The events between the point and the first one that the tab takes were not for this tab either.
      if (point?.isUntouched)
        point = { ...point, isUntouched: false, ...(seq - 1 > point.seq && { seq: seq - 1, id: null }) }
    },
  }
}
