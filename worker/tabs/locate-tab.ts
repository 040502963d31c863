import type { Cursor, ResetReason } from '../../src/shared/events.ts'
import type { Hello, Lineage } from '../../src/shared/protocol.ts'
import type { Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'

export interface Placed {
  /** What the tab knows of the hub before; `null`: nothing, or that hub knew of no leader. */
  known: LogPoint | null
  /** Where its session begins. */
  cursor: Cursor
  lineage: Lineage
  /** It is to be told first. */
  reset: ResetReason | null
  /** It starts at `'now'` (D5), and has heard nothing yet. */
  unheard: boolean
  /** Where it is to count itself from now on. */
  answer: { cursor: Cursor; lineage: Lineage }
}

const knownOf = ({ cursor, lineage }: Hello): LogPoint | null =>
  cursor === null || lineage === null || lineage.term === 0 ? null : { cursor, lineage }

/** Where a tab goes on, or begins, that attaches to a hub with this log (D2, D4, D5). */
export const placeTab = (log: Log, hello: Hello): Placed => {
  const known = knownOf(hello)
  if (known !== null) log.recall(known)
  // The hub before knew of no leader, and neither of this log: that tab was never anywhere.
  const isNew = hello.lineage?.term === 0 && hello.cursor?.epoch !== log.epoch()
  if (isNew || hello.cursor === null) {
    const start = log.start(hello.from, hello.since)
    const cursor = start ?? log.start('now')!
    const answer = { cursor, lineage: log.lineage(cursor.seq) }
    const reset = start === null ? 'fell-behind' : null
    return { known, ...answer, reset, unheard: hello.from === 'now', answer }
  }
  const { cursor: was } = hello
  const placed = log.place(was, hello.lineage)
  const here = log.lineage(placed.cursor.seq)
  const told = hello.lineage ?? here
  const isThere = placed.cursor.epoch === was.epoch && placed.cursor.seq === was.seq
  const lineage = isThere ? told : { ...told, lastEventId: here.lastEventId }
  // A reset takes it from where it is, once told: should this hub die first, the next one finds it there.
  const answer = placed.reset === null ? { cursor: placed.cursor, lineage } : { cursor: was, lineage: told }
  return { known, ...placed, lineage, unheard: false, answer }
}
