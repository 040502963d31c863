/**
 * Judges what one tab's listener recorded against what the server published. Knows nothing of the library:
 * events are numbered, a tab's first one is where it came in, and from there on every number is due once.
 */
export interface Verdict {
  delivered: number
  lost: number
  duplicated: number
  reordered: number
}

/**
 * @param heard the numbers in the order in which the listener got them
 * @param from the first number that the tab must have: what was published once it was attached
 * @param to the last one published
 */
export const judge = (heard: number[], from: number, to: number): Verdict => {
  const seen = new Set<number>()
  let duplicated = 0
  let reordered = 0
  let highest = 0
  for (const n of heard) {
    if (seen.has(n)) duplicated++
    else if (n < highest) reordered++
    seen.add(n)
    highest = Math.max(highest, n)
  }
  let lost = 0
  for (let n = Math.min(from, heard[0] ?? from); n <= to; n++) if (!seen.has(n)) lost++
  return { delivered: seen.size, lost, duplicated, reordered }
}

export const isClean = ({ lost, duplicated, reordered }: Verdict) => lost + duplicated + reordered === 0

export const sum = (verdicts: Verdict[]): Verdict =>
  verdicts.reduce(
    (all, each) => ({
      delivered: all.delivered + each.delivered,
      lost: all.lost + each.lost,
      duplicated: all.duplicated + each.duplicated,
      reordered: all.reordered + each.reordered,
    }),
    { delivered: 0, lost: 0, duplicated: 0, reordered: 0 },
  )
