import type { Cursor, From } from '../../src/shared/events.ts'
import type { Ledger } from './ledger.ts'

/**
 * Where a tab starts that has no cursor (D5).
 *
 * @param since when `'now'` was, in ms since 1970: a page fetches its state while it attaches, and what came
 *   in between must not fall through
 * @param now in ms since 1970: an event that seems to be from later was received by a clock that has been set back
 * @returns `null`: the event that `from` names is not in the log
 */
export const startCursor = (
  { position, tail, eventIds, first }: Ledger,
  from: From,
  since: number,
  now: number,
): Cursor | null => {
  const { epoch, head, lastEventId } = position
  const beforeFirst = first() - 1
  if (from === 'now') {
    let seq = head
    for (let last = tail.at(seq); last !== undefined; last = tail.at(--seq))
      if (last.at < since || last.at > now) break
    return { epoch, seq }
  }
  if (from === 'start') return { epoch, seq: beforeFirst }
  if ('last' in from) return { epoch, seq: Math.max(beforeFirst, head - from.last) }
  const seq = eventIds.seqsOf(from.after).at(-1) ?? (from.after === lastEventId ? head : null)
  return seq === null ? null : { epoch, seq }
}
