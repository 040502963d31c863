import type { Cursor, From } from '../../src/shared/events.ts'
import type { Ledger } from './ledger.ts'

/**
 * A log that nothing is known of begins after this id, which becomes the position that the first request asks for: a
 * page has fetched its state as of that event, and what came since must not fall through (D5).
 *
 * @returns whether it does. It does not where another hub may lead, or where a position is known.
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
 * @param since when `'now'` was, in ms since 1970: a page fetches its state while it attaches, and what came
 *   in between must not fall through
 * @param now in ms since 1970: an event that seems to be from later was received by a clock that has been set back
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
