import type { Cursor, ResetReason } from '../../src/shared/events.ts'
import type { Hello, Lineage } from '../../src/shared/protocol.ts'
import type { Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'
import { placeFormerTab } from './locate-tab.ts'

/** Where a tab begins that attaches. */
export interface TabStart {
  /** Where its session begins. */
  cursor: Cursor
  lineage: Lineage
  /** It is to be told first. */
  reset: ResetReason | null
  /** It starts at `'now'` (D5), and has heard nothing yet. */
  isBeforeFirstDelivery: boolean
  /** Its log was empty, and began after this id for its sake (D5); `null`: it was not. */
  beginsAfter: string | null
}

export interface AttachedTab {
  /** What the tab knows of the hub before; `null`: nothing, or that hub knew of no leader. */
  former: LogPoint | null
  start: TabStart
  /** Where the tab is to count itself from now on. */
  answer: { cursor: Cursor; lineage: Lineage }
}

const formerPoint = ({ cursor, lineage }: Hello): LogPoint | null =>
  cursor === null || lineage === null || lineage.term === 0 ? null : { cursor, lineage }

/** A tab that was never anywhere (D5). */
const begin = (log: Pick<Log, 'beginAfter' | 'start' | 'lineage'>, { from, since }: Hello): TabStart => {
  const after = typeof from === 'object' && 'after' in from ? from.after : null
  const beginsAfter = after !== null && log.beginAfter(after) ? after : null
  const found = log.start(from, since)
  const cursor = found ?? log.start('now')!
  const reset = found === null ? 'fell-behind' : null
  const lineage = log.lineage(cursor.seq)
  return { cursor, lineage, reset, isBeforeFirstDelivery: from === 'now', beginsAfter }
}

/** Where a tab goes on, or begins, that attaches to a hub with this log (D2, D4, D5). */
export const attachTab = (
  log: Pick<Log, 'recall' | 'epoch' | 'beginAfter' | 'start' | 'lineage' | 'facts'>,
  hello: Hello,
): AttachedTab => {
  const former = formerPoint(hello)
  if (former !== null) log.recall(former)
  const { cursor: was } = hello
  // The hub before knew of no leader, and neither of this log: that tab was never anywhere.
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
  // A reset takes it from where it is, once told: should this hub die first, the next one finds it there.
  const answer = reset === null ? { cursor, lineage } : { cursor: was, lineage: told }
  const start = { cursor, lineage, reset, isBeforeFirstDelivery: false, beginsAfter: null }
  return { former, start, answer }
}
