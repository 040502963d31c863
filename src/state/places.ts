import type { Lineage, Place } from '../shared/protocol.ts'

/** The leader whose seqs the tab has been told last; `null`: none. */
export const leaderOf = (lineage: Lineage | null): string | null => lineage?.leaders.at(-1)?.leader ?? null

/**
 * Whether the log that the tab is told of now lacks this place: another leader goes on from before it, and gives its seq
 * to another event (L3).
 *
 * @param told the leader that the tab knew when it got the place: the hub may have been ahead of that
 */
export const isLost = ({ seq, leader }: Place, lineage: Lineage | null, told: string | null): boolean => {
  const leaders = lineage?.leaders ?? []
  const index = leaders.findIndex((each) => each.leader === leader)
  if (index < 0) return leaderOf(lineage) !== told
  const next = leaders[index + 1]
  return next !== undefined && next.startsAfter < seq
}
