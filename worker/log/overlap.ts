import type { LoggedEvent } from '../../src/shared/events.ts'
import type { EventIds } from './event-ids.ts'
import type { Received } from './received.ts'

/**
 * The beginning of a connection that resumed (D3). There a server may send again what the log holds: some servers
 * resume a little too early, some know nothing of resuming. Later in a connection the same event twice counts as two
 * events: servers do send that, as a counter, or as a `ping` with a fixed id.
 */
export interface Overlap {
  /** A connection has opened. @param isResumed whether its request asked for what follows a position */
  begin(isResumed: boolean): void
  /**
   * Takes the next event, in order. The first event that the log does not hold ends the overlap. An event without an
   * id of its own can't be recognised: it counts as new, and does not end the overlap.
   *
   * @returns whether the log holds the event already
   */
  take(block: Received): boolean | Promise<boolean>
}

export const createOverlap = (
  eventIds: Pick<EventIds, 'seqsOf'>,
  find: (seq: number) => LoggedEvent | undefined | Promise<LoggedEvent | undefined>,
): Overlap => {
  /** The seqs of the events that have come again, since each can come again only once. `null`: the overlap is over. */
  let repeated: Set<number> | null = null

  const takeHeld = async ({ type, data, topic }: Received, seqs: readonly number[]) => {
    for (const seq of seqs) {
      if (repeated?.has(seq)) continue
      const held = await find(seq)
      const isSame = held?.type === type && held.data === data && held.topic === topic
      if (held?.seq === seq && isSame) {
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
      if (repeated === null || block.type === null || block.givenId === null || block.givenId === '')
        return false
      const seqs = eventIds.seqsOf(block.id)
      if (seqs.length > 0) return takeHeld(block, [...seqs])
      repeated = null
      return false
    },
  }
}
