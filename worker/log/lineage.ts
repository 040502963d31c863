import type { LeaderRecord, Lineage } from '../../src/shared/protocol.ts'
import type { Position } from './store.ts'

/** Leaders, one after the other, that a log remembers. */
export const LEADERS_KEPT = 16

/**
 * Up to which seq two logs agree, told by their leaders: up to the takeover that follows their last common leader
 * (L3). Kafka cuts diverged replicas so, by leader epochs.
 *
 * @returns `null`: no leader in common is known; Infinity: one log goes on from the whole of the other
 */
export const sharedUpTo = (one: readonly LeaderRecord[], other: readonly LeaderRecord[]): number | null => {
  const at = one.findLastIndex(({ leader }) => other.some((each) => each.leader === leader))
  if (at < 0) return null
  const theirs = other.findIndex(({ leader }) => leader === one[at]!.leader)
  const later = [...one.slice(at + 1), ...other.slice(theirs + 1)]
  return Math.min(...later.map(({ startsAfter }) => startsAfter))
}

/** Up to which seq what was heard under `lineage` is part of the log that stands at `position` (L3). */
export const agreesUpTo = (
  position: Pick<Position, 'term' | 'leader' | 'leaders'>,
  { term, leaders, committedUpTo }: Lineage,
): number => {
  // This log has still to come in line with the leader that was heard: all of it may be part.
  if (position.leader === '' || term > position.term) return Number.POSITIVE_INFINITY
  // Its leaders are so long ago that none is known: only what was committed is sure to be in every later log.
  return sharedUpTo(position.leaders, leaders) ?? committedUpTo
}
