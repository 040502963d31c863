import type { LoggedEvent } from '../../src/shared/events.ts'
import { claimsUpTo, newerClaims } from './claim-records.ts'
import type { Ledger } from './ledger.ts'
import { reconcile } from './reconcile.ts'
import type { LogRecord, Position } from './store.ts'

/** Goes on with the log in memory: the next commit replaces all that is stored. */
const replaceStored = (ledger: Ledger, firstInMemory: number) => {
  ledger.records.clear()
  ledger.newest.replaceStored()
  ledger.committedUpTo = ledger.takenUpTo = firstInMemory - 1
  ledger.pending = { trimBelow: Number.MAX_SAFE_INTEGER, cutAbove: null, isStrict: false }
}

/** Goes on with the stored log. @param isKept the events in memory that follow its head are kept as well */
const takeStored = (
  ledger: Ledger,
  stored: Position,
  records: LogRecord[],
  outlived: LoggedEvent[],
  isKept: boolean,
) => {
  const { position: ours, announcedHead, tail } = ledger
  const beyond = isKept ? tail.since(stored.head) : []
  const { head } = isKept ? ours : stored
  // If this hub has heard of more events than it holds, `ours.lastEventId` belongs to one that it does not hold.
  const newest = announcedHead > head ? beyond.at(-1)?.id : ours.lastEventId
  const lastEventId = (isKept ? newest : null) ?? stored.lastEventId
  const { term, leader, leaders } = stored.term < ours.term ? ours : stored
  const { topics } = isKept ? ours : stored
  const claims = claimsUpTo(newerClaims(ours.claims, stored.claims), head)
  ledger.position = { ...stored, term, leader, leaders, head, lastEventId, topics, claims }
  ledger.alignedTerm = Math.max(ledger.alignedTerm, stored.term)
  ledger.announcedHead = head
  ledger.forget(stored.head)
  // An earlier merge may have set `trimBelow` to replace an older stored log. This log was written since, and stays.
  ledger.pending = { trimBelow: 0, cutAbove: stored.head, isStrict: false }
  ledger.newest.stored(outlived)
  ledger.records.add(records)
  for (const { events } of records) events.forEach(ledger.keep)
  beyond.forEach(ledger.keep)
}

/**
 * Brings the log in memory together with what IndexedDB holds, as `reconcile` decides.
 *
 * @returns `isTaken`: the stored log goes on, so that events which were delivered may be no part of it
 */
export const mergeStored = (
  ledger: Ledger,
  stored: Position | undefined,
  records: LogRecord[],
  outlived: LoggedEvent[],
): { isDeposed: boolean; isTaken: boolean } => {
  const { position, tail, isLeading, alignedTerm } = ledger
  const firstInMemory = tail.first() ?? position.head + 1
  const { isDeposed, kept } = reconcile({ ...position, isLeading, alignedTerm, firstInMemory }, stored)
  if (isDeposed) ledger.isLeading = false
  const isTaken = kept !== 'memory' && stored !== undefined
  if (isTaken) takeStored(ledger, stored, records, outlived, kept === 'both')
  else replaceStored(ledger, firstInMemory)
  return { isDeposed, isTaken }
}
