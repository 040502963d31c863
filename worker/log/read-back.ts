import type { LoggedEvent } from '../../src/shared/events.ts'
import type { Log } from './log.ts'
import { sizeOf } from './one-read.ts'

/** How many events the first step back looks at. Each step is twice as long as the one before. */
const FIRST_STEP = 250
const LONGEST_STEP = 2_000

export interface ReadBack {
  /** seq; the events after it are read. */
  after: number
  /** seq of the last event that is read. */
  upTo: number
  isWanted(event: LoggedEvent): boolean
  /** Where to stop. `size` in characters. */
  most: { events: number; size: number }
}

/**
 * Reads the log from its newest events back, since what is asked for is mostly among those.
 *
 * @returns the newest events that are wanted, the oldest first, and whether they are all. `null`: the log lost some of
 *   them meanwhile.
 */
export const readBack = async (
  log: Pick<Log, 'read'>,
  { after, upTo, isWanted, most }: ReadBack,
): Promise<{ events: LoggedEvent[]; isAll: boolean } | null> => {
  const found: LoggedEvent[] = []
  let size = 0
  let step = FIRST_STEP
  for (let end = upTo; end > after; step = Math.min(step * 2, LONGEST_STEP)) {
    const start = Math.max(after, end - step)
    const wanted: LoggedEvent[] = []
    for (let seq = start; seq < end; ) {
      const events = await log.read(seq)
      if (events.length === 0) return null
      for (const event of events) if (event.seq <= end && isWanted(event)) wanted.push(event)
      seq = events.at(-1)!.seq
    }
    for (const event of wanted.reverse()) {
      if (found.length >= most.events || size >= most.size) return { events: found.reverse(), isAll: false }
      found.push(event)
      size += sizeOf(event)
    }
    end = start
    if (found.length >= most.events && end > after) return { events: found.reverse(), isAll: false }
  }
  return { events: found.reverse(), isAll: true }
}
