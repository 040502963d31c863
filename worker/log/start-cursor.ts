import type { Cursor, From } from '../../src/shared/events.ts'
import type { Ledger } from './ledger.ts'

/**
 * Lets a log that is empty and new begin after this id (D5): the first request then resumes after it. The page has
 * fetched its state as of that event, and must miss nothing that came since.
 *
 * @returns whether the log does so. It does not if this hub leads already, has heard of another log, or has a position.
 */
export const beginAfter = (ledger: Ledger, id: string): boolean => {
  const { position, origin, isLeading } = ledger
  if (isLeading || origin !== 'fresh' || position.head > 0 || position.lastEventId !== '') return false
  position.lastEventId = id
  return true
}

/**
 * Where a tab starts that has no cursor (D5).
 *
 * @param since when `'now'` was, in ms since 1970: a page fetches its state while it attaches, and must not miss an
 *   event that came in between
 * @param now in ms since 1970. An event with a later time was received before the clock was set back.
 * @returns `null`: the event that `from` names is not in the log
 */
export const startCursor = (
  { position, tail, seqOf, first }: Ledger,
  from: From,
  since: number,
  now: number,
): Cursor | null => {
  const { epoch, head } = position
  const beforeFirst = first() - 1
  if (from === 'now') {
    let seq = head
    for (let last = tail.at(seq); last !== undefined; last = tail.at(--seq))
      if (last.at < since || last.at > now) break
    return { epoch, seq }
  }
  if (from === 'start') return { epoch, seq: beforeFirst }
  if ('last' in from) return { epoch, seq: Math.max(beforeFirst, head - from.last) }
  const seq = seqOf(from.after)
  return seq === null ? null : { epoch, seq }
}
