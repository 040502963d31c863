import type { LeaderRecord } from '../../src/shared/protocol.ts'

/** Leaders, one after the other, that a log remembers. */
export const LEADERS_KEPT = 16

/**
 * Up to which seq two logs are one, told by whose logs they are: both have what the last leader in common had,
 * up to where either was gone on from by another (L3). Kafka cuts diverged replicas so, by leader epochs.
 *
 * @returns `null`: nothing in common is known; Infinity: one goes on from the whole of the other
 */
export const sharedUpTo = (one: readonly LeaderRecord[], other: readonly LeaderRecord[]): number | null => {
  const at = one.findLastIndex(({ leader }) => other.some((each) => each.leader === leader))
  if (at < 0) return null
  const theirs = other.findIndex(({ leader }) => leader === one[at]!.leader)
  const later = [...one.slice(at + 1), ...other.slice(theirs + 1)]
  return Math.min(...later.map(({ startsAfter: base }) => base))
}
