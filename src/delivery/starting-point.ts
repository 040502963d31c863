import type { Cursor, LoggedEvent } from '../shared/events.ts'

/**
 * Where a tab began, or was told by a reset to begin anew: what came before is no matter of its own (D5), though a
 * hub that knows of less may get it all again from the server (D2).
 */
export const createBeginning = (isGhost: (event: LoggedEvent) => boolean) => {
  /** `id`: the last event ID there; `null`: not known. */
  let at: (Cursor & { id: string | null }) | null = null
  /** Nothing has been taken since. */
  let fresh = true
  /** The log was taken back to before it, and has not come so far again. */
  let early = false

  return {
    isSet: () => at !== null,
    set(cursor: Cursor, id: string | null) {
      at = { ...cursor, id }
      fresh = true
      early = false
    },
    /** What lies between the beginning and the first event that is taken was not for this tab either. */
    took({ seq }: LoggedEvent) {
      if (fresh && at !== null && seq - 1 > at.seq) at = { ...at, seq: seq - 1, id: null }
      fresh = false
    },
    /** The log goes on from here. `again`: so does what this tab has had, which ends what is early. */
    resume({ epoch, seq }: Cursor, id: string | null, again: boolean) {
      const isMarked = !!at?.id && (seq === 0 || id !== null)
      early = epoch === at?.epoch && seq < at.seq && (isMarked ? id !== at.id : again)
    },
    /** Whether it is from before. To be asked of all that comes, in order. */
    precedes(event: LoggedEvent): boolean {
      const { seq, id, hasOwnId: own } = event
      if (!early || at === null) return false
      if (!own) {
        // Never sent again, so it is new, and what is early comes as much later.
        at.seq++
        return false
      }
      const isLast = id === at.id
      if (isLast) at.seq = seq
      early = seq < at.seq && !isGhost(event)
      return early || isLast || seq === at.seq
    },
  }
}
