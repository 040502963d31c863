import { type Platform, pause } from '../base/platform.ts'
import { READ_EVENTS, sizeOf, upToLimit } from '../log/one-read.ts'
import type { Received } from '../log/received.ts'
import type { Session } from './session.ts'

/** ms between two looks at whether the tabs have caught up. */
const LOOK = 10

/** ms for tabs to take what the log holds, before a reset empties the log. */
const CATCH_UP = 1_000

export interface BackpressureOptions {
  platform: Pick<Platform, 'after'>
  /** B2 */
  bounds: { events: number; bytes: number }
  tabs(): Pick<Session, 'backlog' | 'cursor'>[]
  /** Delivers to hidden tabs now (H1). */
  flush(): void
}

/**
 * Keeps the stream from outrunning a live tab (D4). An event that the log trims before a tab has it costs that tab a
 * reset. So the stream is read no faster than tabs take it: a tab that acknowledges is never more than half a log
 * behind, in events or in characters.
 */
export interface Backpressure {
  /**
   * The blocks of `received` that the log takes at once, from `from` on: at least one, at most a tenth of its bounds.
   */
  piece(received: Received[], from: number): Received[]
  /** Resolves once there is room for the next piece. @param head the newest seq, once `piece` was appended */
  room(piece: Received[], head: number): Promise<void>
  /** Delivers to hidden tabs too. Resolves once each tab that acknowledges has what the log holds, or after 1 s. */
  caughtUp(): Promise<void>
}

export const createBackpressure = ({ platform, bounds, tabs, flush }: BackpressureOptions): Backpressure => {
  /** After each piece: the characters appended up to its last seq. Marks older than the log are dropped. */
  const marks: { seq: number; total: number }[] = []
  /** The total of the last mark that was dropped. */
  let dropped = 0
  let total = 0
  const most = { events: Math.min(READ_EVENTS, Math.ceil(bounds.events / 10)), size: bounds.bytes / 10 }

  const charactersAfter = (seq: number): number =>
    total - (marks.findLast((mark) => mark.seq <= seq)?.total ?? dropped)

  const isShort = (tab: Pick<Session, 'backlog' | 'cursor'>): boolean => {
    const lag = tab.backlog()
    return lag > bounds.events / 2 || (lag > 0 && charactersAfter(tab.cursor().seq) > bounds.bytes / 2)
  }

  return {
    piece: (received, from) => upToLimit(received, from, most),
    async room(piece, head) {
      for (const each of piece) total += sizeOf(each)
      marks.push({ seq: head, total })
      while (marks.length > bounds.events || total - marks[0]!.total > bounds.bytes)
        dropped = marks.shift()!.total
      while (tabs().some(isShort)) await pause(platform, LOOK)
    },
    async caughtUp() {
      flush()
      for (let waited = 0; waited < CATCH_UP && tabs().some((tab) => tab.backlog() > 0); waited += LOOK)
        await pause(platform, LOOK)
    },
  }
}
