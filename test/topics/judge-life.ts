import type { TopicLife } from '../browser/app/topics.ts'
import { isClean, judge, type Verdict } from '../faults/oracle.ts'

/** What one handle of a topic heard, held against what its server published. */
export interface LifeVerdict extends Verdict {
  resets: string[]
  /** What is wrong; empty: nothing is. */
  problems: string[]
}

/**
 * The oracle of TO2 and TO3, by the one of the fault suite. What a handle fetched once its topic was ready is the last
 * number that it may lack. What it fetched after a reset is so from there on.
 *
 * @param to the last number that it must have; `null`: it was left, or is not live
 * @param justified how many resets the faults since its join have called for
 * @param absences how often any tab had no hub, or was away: for longer than the grace, the topic may have been left. What
 *   the page itself knows of a lost hub counts as well: a browser may end a worker with the tab that started it.
 */
export const judgeLife = (
  { name, told, isLeft }: TopicLife,
  to: number | null,
  justified: number,
  absences = 0,
): LifeVerdict => {
  const numbers: number[] = []
  const resetsAt: number[] = []
  const resets: string[] = []
  const problems: string[] = []
  let from: number | null = null
  let lostHubs = 0
  for (const [at, each] of told.entries()) {
    if ('hub' in each) lostHubs++
    else if ('n' in each) numbers.push(each.n)
    else if ('reset' in each) {
      resetsAt.push(numbers.length)
      resets.push(each.reset)
    } else if ('count' in each) {
      if (resets.length === 0) from ??= each.count + 1
      // What was fetched here holds all that was heard before, and whatever comes after it continues it.
      // Where a reset came meanwhile, what is fetched after that one counts.
      const next = told.slice(at).find((later) => 'n' in later || 'reset' in later)
      const last = numbers.at(-1) ?? 0
      if (
        each.resets === resets.length &&
        next !== undefined &&
        'n' in next &&
        next.n > Math.max(each.count, last) + 1
      )
        problems.push(`${each.count} was fetched, and ${next.n} came next`)
    }
  }
  const last = to ?? numbers.at(-1) ?? 0
  const verdict = judge(
    { numbers, resetsAt },
    from ?? numbers[0] ?? last + 1,
    Math.max(last, numbers.at(-1) ?? 0),
  )
  if (!isClean(verdict)) problems.push(JSON.stringify(verdict))
  const rejoined = resets.filter((reason) => reason === 'rejoined').length
  const away = absences + lostHubs
  if (resets.length - Math.min(rejoined, away) > justified)
    problems.push(`${justified} resets and ${away} absences are justified, it had ${resets.join(', ')}`)
  const who = `a handle of ${name}${isLeft ? ', which was left' : ''}`
  return { ...verdict, resets, problems: problems.map((problem) => `${who}: ${problem}`) }
}
