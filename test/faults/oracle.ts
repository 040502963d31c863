/**
 * Judges what one tab's listener recorded against what the server published. Knows nothing of the library:
 * events are numbered, a tab's first one is where it came in, and from there on every number is due once.
 * A gap is one only where no reset stands in it; whether that reset was called for is judged elsewhere.
 */
export interface Verdict {
  delivered: number
  lost: number
  /** The first of them. */
  firstLost?: number
  duplicated: number
  reordered: number
}

/** What a tab's listeners recorded. */
export interface Heard {
  /** The numbers in the order in which the listener got them. */
  numbers: number[]
  /** How many it had heard at each reset. */
  resetsAt: number[]
}

/**
 * @param from the first number that the tab must have: what was published once it was attached
 * @param to the last one that it must have
 */
export const judge = ({ numbers, resetsAt }: Heard, from: number, to: number): Verdict => {
  const seen = new Set<number>()
  const missing = new Set<number>()
  const miss = (below: number) => {
    for (; due < below; due++) missing.add(due)
  }
  let duplicated = 0
  let reordered = 0
  let due = Math.min(from, numbers[0] ?? from)
  numbers.forEach((n, index) => {
    if (seen.has(n)) duplicated++
    else if (n < due) reordered++
    else if (!resetsAt.includes(index)) miss(n)
    seen.add(n)
    missing.delete(n)
    due = Math.max(due, n + 1)
  })
  if (!resetsAt.includes(numbers.length)) miss(to + 1)
  const firstLost = missing.size === 0 ? {} : { firstLost: Math.min(...missing) }
  return { delivered: seen.size, lost: missing.size, ...firstLost, duplicated, reordered }
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
