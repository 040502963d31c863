import type { Ledger } from './ledger.ts'
import type { LogPoint } from './log-point.ts'

/**
 * Goes on from where a tab or another hub says that the log stood (D2). They know more than this hub if IndexedDB was
 * cleared or can't be read, and no leader is heard. A hub that hangs within a transaction blocks the database for as
 * long as its pages live.
 */
export const recall = (ledger: Ledger, { cursor, lineage }: LogPoint): void => {
  const { epoch, seq } = cursor
  const { term, leaders, lastEventId, streamClient } = lineage
  const { position } = ledger
  const leader = leaders.at(-1)?.leader
  if (leader === undefined || lastEventId === null) return
  const isEmpty = ledger.first() > position.head
  const isSameLog = position.leader === leader && position.epoch === epoch
  // The former hub may have hung after it had delivered to one tab only. This log then goes on from the tab that is
  // further behind: the server can send the events again that this tab lacks.
  const isBehind = ledger.origin === 'recalled' && isSameLog && seq < position.head && isEmpty
  if ((ledger.alignedTerm > 0 || position.head > 0) && !isBehind) return
  ledger.origin = 'recalled'
  ledger.leaveOwnEpoch()
  Object.assign(position, { epoch, head: seq, lastEventId, term, leader, leaders, streamClient })
  ledger.alignedTerm = term
  ledger.announcedHead = seq
  ledger.forget(seq)
}
