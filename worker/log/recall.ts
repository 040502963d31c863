import type { Ledger } from './ledger.ts'
import type { LogPoint } from './log-point.ts'

/**
 * D2. Where IndexedDB can't be read, or was cleared, and no leader is heard, a tab that was attached before, or
 * another hub, knows more than this log: it goes on from there. A hub that hangs may do so within a transaction, and
 * then blocks the database for as long as its pages live.
 */
export const recall = (ledger: Ledger, { cursor, lineage }: LogPoint): void => {
  const { epoch, seq } = cursor
  const { term, leaders, lastEventId, streamClient } = lineage
  const { position } = ledger
  const leader = leaders.at(-1)?.leader
  if (leader === undefined || lastEventId === null) return
  const isEmpty = ledger.first() > position.head
  const isSameLog = position.leader === leader && position.epoch === epoch
  // The hub before may have hung between two tabs: what the tab that is behind lacks, the server still has.
  const isBehind = ledger.origin === 'recalled' && isSameLog && seq < position.head && isEmpty
  if ((ledger.alignedTerm > 0 || position.head > 0) && !isBehind) return
  ledger.origin = 'recalled'
  ledger.leaveOwnEpoch()
  Object.assign(position, { epoch, head: seq, lastEventId, term, leader, leaders, streamClient })
  ledger.alignedTerm = term
  ledger.announcedHead = seq
  ledger.forget(seq)
}
