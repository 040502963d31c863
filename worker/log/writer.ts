import type { LoggedEvent, ResetReason } from '../../src/shared/events.ts'
import type { LeaderRecord } from '../../src/shared/protocol.ts'
import { LEADERS_KEPT } from './lineage.ts'
import { type LogCore, skipTo } from './log-core.ts'
import type { Received } from './received.ts'

/** The log of the hub that leads: it alone appends and commits (L1). */
export interface Writer {
  /** @returns how many events were new; none unless this hub leads */
  append(blocks: Received[]): Promise<number>
  /**
   * Continuity is lost: the events go, and every tab is told before anything newer.
   *
   * @param lastEventId where the stream goes on; where it is, if left out: known only in turn
   */
  restart(reason: ResetReason, lastEventId?: string): Promise<void>
  /**
   * This hub holds the lock (L1): from here on it appends.
   *
   * @param seen the newest term that it has heard of
   * @returns its own term; `null`: another wrote meanwhile, and this hub is robbed already, or tries again
   */
  lead(seen: number): Promise<number | null>
  /** Takes the last `lead` back. This hub was robbed before it led: another may have counted to the same term. */
  undoLead(): void
  /** Another hub leads, or none. What is not committed is the next leader's. */
  follow(): void
}

/** What `lead` changed. */
interface BeforeLead {
  /** That this hub gave itself. */
  ownTerm: number
  term: number
  leader: string
  leaders: LeaderRecord[]
  alignedTerm: number
}

export const createWriter = (core: LogCore): Writer => {
  const { platform, ledger, persistence, metrics, inTurn, onChange, onTruncate } = core
  let beforeLead: BeforeLead | null = null

  const isDuplicate = async ({ id, type, data }: Received): Promise<boolean> => {
    for (const seq of ledger.eventIds.seqsOf(id)) {
      const held = ledger.tail.at(seq) ?? (await core.read(seq - 1))[0]
      if (held?.seq === seq && held.type === type && held.data === data) return true
    }
    return false
  }

  const appendAll = async (blocks: Received[]): Promise<number> => {
    if (!ledger.isLeading) return 0
    const { position, eventIds } = ledger
    const at = platform.now()
    const after = position.head
    const events: LoggedEvent[] = []
    for (const block of blocks) {
      const { id, type, data } = block
      const hasOwnId = block.position !== null && block.position !== ''
      if (hasOwnId && type !== null && eventIds.seqsOf(id).length > 0 && (await isDuplicate(block))) {
        // The position stays as well: a server that starts over must not pull it back.
        metrics.duplicate()
        continue
      }
      if (block.position !== null) position.lastEventId = block.position
      if (type === null) continue
      position.head += 1
      const event = { seq: position.head, id, hasOwnId, type, data, at }
      ledger.keep(event)
      events.push(event)
      metrics.event(type)
    }
    ledger.touch()
    onChange({ after, events })
    persistence.trim()
    persistence.appended()
    return events.length
  }

  const restart = async (reason: ResetReason, lastEventId?: string) => {
    if (!ledger.isLeading) return
    const { position } = ledger
    const { epoch, head } = position
    ledger.position = {
      ...position,
      epoch: platform.uuid(),
      lastEventId: lastEventId ?? position.lastEventId,
      previous: { epoch, reason, at: platform.now() },
      epochStart: head,
    }
    ledger.forget(head)
    ledger.touch().trimBelow = head + 1
    metrics.reset()
    onChange({ after: head, events: [] })
    void persistence.commitSoon()
  }

  const lead = async (seen: number): Promise<number | null> => {
    if (ledger.origin === 'recalled') ledger.origin = 'aligned'
    await persistence.sync()
    // Without IndexedDB, what was never relayed to this hub is lost: it goes on behind it, after its id.
    if (ledger.announcedHead > ledger.position.head) skipTo(core, ledger.announcedHead)
    const { position, alignedTerm } = ledger
    const { term, leader, leaders, head, lastEventId } = position
    // Two that count from one number, each with a lock manager of its own, come to different terms.
    const ownTerm = Math.floor(Math.max(term, seen)) + 1 + platform.random()
    beforeLead = { ownTerm, term, leader, leaders, alignedTerm }
    position.term = ownTerm
    // One that leads already goes on with its log.
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
    append: (blocks) => inTurn(() => appendAll(blocks)),
    restart: (reason, lastEventId) => inTurn(() => restart(reason, lastEventId)),
    lead: (seen) => inTurn(() => lead(seen)),
    undoLead() {
      if (beforeLead === null) return
      const { ownTerm, term, leader, leaders, alignedTerm } = beforeLead
      // What was read or told meanwhile stays.
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
