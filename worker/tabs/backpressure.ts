import { type Platform, pause } from '../base/platform.ts'
import { READ_EVENTS } from '../log/memory-tail.ts'
import type { Received } from '../log/received.ts'
import type { Session } from './session.ts'

/** ms between looks at whether the tabs have caught up. */
const PRESSURE_CHECK = 10

export interface RoomOptions {
  platform: Pick<Platform, 'after'>
  /** B2 */
  bounds: { events: number; bytes: number }
  sessions: ReadonlyMap<string, Pick<Session, 'backlog' | 'cursor'>>
}

/**
 * A live tab is not outrun: what the log trims before a tab that keeps up has it would cost a reset. So the stream
 * is read no faster than tabs take it: they are never more than half a log behind, in events or in characters.
 */
export const createRoom = ({ platform, bounds, sessions }: RoomOptions) => {
  /** Characters appended up to a seq, by slice: what a log holds of them. */
  const marks: { seq: number; total: number }[] = []
  /** Up to the last mark that went. */
  let gone = 0
  let total = 0

  const behind = (seq: number): number => total - (marks.findLast((mark) => mark.seq <= seq)?.total ?? gone)

  return {
    /** What the log takes at once: at least one event, and a tenth of its bounds at most. */
    slice(blocks: Received[], from: number): Received[] {
      const most = Math.min(READ_EVENTS, Math.ceil(bounds.events / 10))
      let end = from
      for (let size = 0; end < blocks.length && end - from < most && size < bounds.bytes / 10; end++)
        size += blocks[end]!.data.length
      return blocks.slice(from, end)
    },
    /** Resolves once there is room for the next. */
    async after(appended: Received[], head: number): Promise<void> {
      for (const { data } of appended) total += data.length
      marks.push({ seq: head, total })
      while (marks.length > bounds.events || total - marks[0]!.total > bounds.bytes)
        gone = marks.shift()!.total
      const isShort = (session: Pick<Session, 'backlog' | 'cursor'>) => {
        const lag = session.backlog()
        return lag > bounds.events / 2 || (lag > 0 && behind(session.cursor().seq) > bounds.bytes / 2)
      }
      while ([...sessions.values()].some(isShort)) await pause(platform, PRESSURE_CHECK)
    },
  }
}
