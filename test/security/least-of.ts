/**
 * The least of a figure over so many rounds, at most: a machine that does other things too adds to each round, and takes
 * nothing away from any.
 *
 * @param enough ends the rounds: a figure below it needs no other
 */
export const leastOf = async (
  rounds: number,
  measure: () => Promise<number>,
  enough = Number.NEGATIVE_INFINITY,
): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds && least >= enough; round++) least = Math.min(least, await measure())
  return least
}
