import type { LoggedEvent } from '../../src/shared/events.ts'
import type { EventIds } from './event-ids.ts'
import type { Received } from './received.ts'

/**
 * The beginning of a connection that resumed, where the server may send again what the log holds (D3): it resumes a
 * little too early, or knows nothing of resuming. Later in a connection the same event twice is two events, which
 * a counter or a `ping` with a fixed id really sends.
 */
export interface Overlap {
  /** A connection has opened. @param isResumed it asked for what follows a position */
  begin(isResumed: boolean): void
  /**
   * Takes the next event, in order. The first one that the log does not hold ends the overlap. An event without an id
   * of its own can't be recognised: it is new, and ends nothing.
   *
   * @returns whether the log holds it already
   */
  take(block: Received): boolean | Promise<boolean>
}

export const createOverlap = (
  eventIds: Pick<EventIds, 'seqsOf'>,
  find: (seq: number) => LoggedEvent | undefined | Promise<LoggedEvent | undefined>,
): Overlap => {
  /** seqs of the events that have come again; `null`: the overlap is over. Each event of the log comes again once. */
  let repeated: Set<number> | null = null

  const takeHeld = async ({ type, data }: Received, seqs: readonly number[]) => {
    for (const seq of seqs) {
      if (repeated?.has(seq)) continue
      const held = await find(seq)
      if (held?.seq === seq && held.type === type && held.data === data) {
        repeated?.add(seq)
        return true
      }
    }
    repeated = null
    return false
  }

  return {
    begin(isResumed) {
      repeated = isResumed ? new Set() : null
    },
    take(block) {
      if (repeated === null || block.type === null || block.position === null || block.position === '')
        return false
      const seqs = eventIds.seqsOf(block.id)
      if (seqs.length > 0) return takeHeld(block, [...seqs])
      repeated = null
      return false
    },
  }
}
