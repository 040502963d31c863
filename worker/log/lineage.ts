import type { LeaderRecord, Lineage } from '../../src/shared/protocol.ts'
import type { Position } from './store.ts'

/** How many of its newest leaders a log remembers. */
export const LEADERS_KEPT = 16

/**
 * Up to which seq two logs agree, judged by their leaders: up to the first takeover after their last common leader
 * (L3). Kafka truncates diverged replicas in the same way, by leader epochs.
 *
 * @returns `null`: the logs have no known leader in common; Infinity: they have the same last leader
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
  // This log is still to be brought in line with that leader's: until then, all that was heard may be part of it.
  if (position.leader === '' || term > position.term) return Number.POSITIVE_INFINITY
  // The common leader is so long ago that the log has forgotten it. Committed events are in every later log.
  return sharedUpTo(position.leaders, leaders) ?? committedUpTo
}
