import type { Cursor, ResetReason } from '../../src/shared/events.ts'
import type { Hello, Lineage } from '../../src/shared/protocol.ts'
import type { Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'
import { placeFormerTab } from './locate-tab.ts'

/** Where the session of a tab begins that attaches. */
export interface TabStart {
  cursor: Cursor
  lineage: Lineage
  /** The reset that the tab is to be told before anything else; `null`: none. */
  reset: ResetReason | null
  /** The tab starts at `'now'` (D5), and has heard nothing yet. */
  isBeforeFirstDelivery: boolean
  /** For this tab's sake an empty log began after this id (D5). `null`: the log did not. */
  beginsAfter: string | null
}

export interface AttachedTab {
  /** Where the log of the tab's former hub stood. `null`: there was no such hub, or it knew of no leader. */
  former: LogPoint | null
  start: TabStart
  /** What the tab is told: it counts from this cursor, in this lineage. */
  answer: { cursor: Cursor; lineage: Lineage }
}

const formerPoint = ({ cursor, lineage }: Hello): LogPoint | null =>
  cursor === null || lineage === null || lineage.term === 0 ? null : { cursor, lineage }

/** Where a tab begins that was at no hub before (D5). */
const begin = (log: Pick<Log, 'beginAfter' | 'start' | 'lineage'>, { from, since }: Hello): TabStart => {
  const after = typeof from === 'object' && 'after' in from ? from.after : null
  const beginsAfter = after !== null && log.beginAfter(after) ? after : null
  const found = log.start(from, since)
  const cursor = found ?? log.start('now')!
  const reset = found === null ? 'fell-behind' : null
  const lineage = log.lineage(cursor.seq)
  return { cursor, lineage, reset, isBeforeFirstDelivery: from === 'now', beginsAfter }
}

/** Where a tab begins, or goes on, that attaches to a hub with this log (D2, D4, D5). */
export const attachTab = (
  log: Pick<Log, 'recall' | 'epoch' | 'beginAfter' | 'start' | 'lineage' | 'facts'>,
  hello: Hello,
): AttachedTab => {
  const former = formerPoint(hello)
  if (former !== null) log.recall(former)
  const { cursor: was } = hello
  // The former hub knew neither of a leader nor of this log: the tab counts as new.
  const isNew = hello.lineage?.term === 0 && was?.epoch !== log.epoch()
  if (isNew || was === null) {
    const start = begin(log, hello)
    return { former, start, answer: { cursor: start.cursor, lineage: start.lineage } }
  }
  const { cursor, reset } = placeFormerTab(log.facts(), was, hello.lineage)
  const here = log.lineage(cursor.seq)
  const told = hello.lineage ?? here
  const isThere = cursor.epoch === was.epoch && cursor.seq === was.seq
  const lineage = isThere ? told : { ...told, lastEventId: here.lastEventId }
  // A reset moves the tab's cursor only when it is delivered. If this hub dies first, the next hub finds the tab at
  // its old cursor, and resets it as well.
  const answer = reset === null ? { cursor, lineage } : { cursor: was, lineage: told }
  const start = { cursor, lineage, reset, isBeforeFirstDelivery: false, beginsAfter: null }
  return { former, start, answer }
}
