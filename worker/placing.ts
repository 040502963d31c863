import type { Cursor, Hello, ResetReason, Trail } from '../src/protocol.ts'
import type { Log } from './log.ts'
import type { Known } from './relay.ts'

export interface Placed {
  /** What the tab knows of the hub before; `null`: nothing, or that hub knew of no leader. */
  known: Known | null
  /** Where its session begins. */
  cursor: Cursor
  trail: Trail
  /** It is to be told first. */
  reset: ResetReason | null
  /** It starts at `'now'` (D5), and has heard nothing yet. */
  unheard: boolean
  /** Where it is to count itself from now on. */
  answer: { cursor: Cursor; trail: Trail }
}

const knownOf = ({ cursor, trail }: Hello): Known | null =>
  cursor === null || trail === null || trail.term === 0 ? null : { cursor, trail }

/** Where a tab goes on, or begins, that attaches to a hub with this log (D2, D4, D5). */
export const placeTab = (log: Log, hello: Hello): Placed => {
  const known = knownOf(hello)
  if (known !== null) log.recall(known)
  // The hub before knew of no leader, and neither of this log: that tab was never anywhere.
  const isNew = hello.trail?.term === 0 && hello.cursor?.epoch !== log.epoch()
  if (isNew || hello.cursor === null) {
    const start = log.start(hello.from, hello.since)
    const cursor = start ?? log.start('now')!
    const answer = { cursor, trail: log.trail(cursor.seq) }
    const reset = start === null ? 'fell-behind' : null
    return { known, ...answer, reset, unheard: hello.from === 'now', answer }
  }
  const { cursor: was } = hello
  const placed = log.place(was, hello.trail)
  const here = log.trail(placed.cursor.seq)
  const told = hello.trail ?? here
  const isThere = placed.cursor.epoch === was.epoch && placed.cursor.seq === was.seq
  const trail = isThere ? told : { ...told, id: here.id }
  // A reset takes it from where it is, once told: should this hub die first, the next one finds it there.
  const answer = placed.reset === null ? { cursor: placed.cursor, trail } : { cursor: was, trail: told }
  return { known, ...placed, trail, unheard: false, answer }
}
