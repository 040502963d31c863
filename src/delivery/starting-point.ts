import type { Cursor, LoggedEvent } from '../shared/events.ts'

/**
 * Where a tab began, or where a reset told it to begin anew. What came before is none of its business (D5), though
 * a hub that knows of less may get it all again from the server (D2).
 */
export interface StartingPoint {
  isSet(): boolean
  /** @param id the last event ID there; `null`: not known */
  set(cursor: Cursor, id: string | null): void
  /**
   * A hub goes on with the log from here.
   *
   * @param id the last event ID there; `null`: not known
   * @param isSentAgain whether the server can send again what the tab has had beyond it, which ends what is early
   */
  resume(cursor: Cursor, id: string | null, isSentAgain: boolean): void
  /** Whether this event, the next one of the log, is from before the starting point. */
  precedes(event: LoggedEvent): boolean
  /** This event of the log has come by, whether or not the tab takes it. To be told of each, in order. */
  pass(event: LoggedEvent): void
  /** The tab has taken this event, the first one of a batch. */
  took(event: LoggedEvent): void
}

interface Point extends Cursor {
  id: string | null
  /** The tab has taken nothing since. */
  isUntouched: boolean
  /** The log was taken back to before this point, and has not come so far again. */
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
      // Without an id it is never sent again, so it is new.
      if (!point?.isAhead || !event.hasOwnId) return false
      return event.id === point.id || event.seq === point.seq || (event.seq < point.seq && !isLost(event))
    },
    pass(event) {
      if (!point?.isAhead) return
      const { seq, id, hasOwnId } = event
      // What is new moves the rest of what is early one seq further.
      if (!hasOwnId) point = { ...point, seq: point.seq + 1 }
      else if (id === point.id) point = { ...point, seq, isAhead: false }
      else point = { ...point, isAhead: seq < point.seq && !isLost(event) }
    },
    took({ seq }) {
      // What lies between the point and the first event that the tab takes was not for this tab either.
      if (point?.isUntouched)
        point = { ...point, isUntouched: false, ...(seq - 1 > point.seq && { seq: seq - 1, id: null }) }
    },
  }
}
