import type { LeaderRecord } from '../../src/shared/protocol.ts'
import { LEADERS_KEPT } from './lineage.ts'
import { type LogCore, skipTo } from './log-core.ts'

/** How a hub becomes the leader of a log, and ceases to be (L1, L3). */
export interface TermClaim {
  /**
   * This hub holds the lock (L1). From here on it appends.
   *
   * @param seen the newest term that this hub has heard of
   * @returns this hub's term. `null`: another hub wrote meanwhile. This hub was robbed already, or has to try again.
   */
  lead(seen: number): Promise<number | null>
  /** Undoes the last `lead`. This hub was robbed before it led, and another one may have reached the same term. */
  undoLead(): void
  /** Another hub leads, or none does. The next leader gets the uncommitted events again. */
  follow(): void
}

/** What `lead` changed. */
interface BeforeLead {
  /** The term that this hub gave itself. */
  ownTerm: number
  term: number
  leader: string
  leaders: LeaderRecord[]
  alignedTerm: number
}

export const createTermClaim = (core: LogCore): TermClaim => {
  const { platform, ledger, persistence, inTurn, onChange, onTruncate } = core
  let beforeLead: BeforeLead | null = null

  const lead = async (seen: number): Promise<number | null> => {
    if (ledger.origin === 'recalled') ledger.origin = 'aligned'
    await persistence.sync()
    // Without IndexedDB, events that were announced but never relayed to this hub are lost. It goes on after the last
    // of them, whose id it knows.
    if (ledger.announcedHead > ledger.position.head) skipTo(core, ledger.announcedHead)
    const { position, alignedTerm } = ledger
    const { term, leader, leaders, head, lastEventId } = position
    // The fraction keeps two hubs apart that count from the same term, each with a lock manager of its own (L5).
    const ownTerm = Math.floor(Math.max(term, seen)) + 1 + platform.random()
    beforeLead = { ownTerm, term, leader, leaders, alignedTerm }
    position.term = ownTerm
    // A hub that leads already goes on with its own log, under the same leader id.
    if (!ledger.isLeading) {
      position.leader = platform.uuid()
      const own = { leader: position.leader, startsAfter: head, lastEventId }
      position.leaders = [...leaders, own].slice(-LEADERS_KEPT)
    }
    ledger.alignedTerm = ownTerm
    ledger.isLeading = true
    ledger.touch()
    await persistence.commitNow()
    if (!ledger.isLeading) return null
    onTruncate()
    onChange(null)
    return ownTerm
  }

  return {
    lead: (seen) => inTurn(() => lead(seen)),
    undoLead() {
      if (beforeLead === null) return
      const { ownTerm, term, leader, leaders, alignedTerm } = beforeLead
      // A term that was read or told meanwhile stays.
      if (ledger.position.term === ownTerm) Object.assign(ledger.position, { term, leader, leaders })
      if (ledger.alignedTerm === ownTerm) ledger.alignedTerm = alignedTerm
      ledger.isLeading = false
      beforeLead = null
    },
    follow() {
      ledger.isLeading = false
    },
  }
}
