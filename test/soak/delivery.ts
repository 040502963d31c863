import { isClean, judge, sum, type Verdict } from '../faults/oracle.ts'
import type { Seat } from './seat.ts'
import type { Row } from './table.ts'

export interface Delivery {
  verdict: Verdict
  resets: string[]
  /** Deliveries that are due: of each event to each tab of its user. */
  due: number
}

/** @param last every user's events are numbered from 1 to this one, and every tab was there before the first */
export const judgeDelivery = async (seats: Seat[], last: number): Promise<Delivery> => {
  const tabs = seats.flatMap((seat) => seat.tabs)
  const verdicts: Verdict[] = []
  const resets: string[] = []
  for (const tab of tabs) {
    const record = await tab.record()
    verdicts.push(judge({ numbers: await tab.numbers(), resetsAt: record.resetsAt }, 1, last))
    resets.push(...record.resets.map(({ reason }) => reason))
  }
  return { verdict: sum(verdicts), resets, due: tabs.length * last }
}

/** No reset is justified: the server keeps more than is published during a cut, and loses nothing. */
export const deliveryRow = ({ verdict, resets, due }: Delivery): Row => {
  const { lost, duplicated, reordered } = verdict
  const told = resets.length === 0 ? '' : ` (${resets.join(', ')})`
  return {
    metric: 'delivery, each event to each tab of its user',
    measured:
      `${((100 * (due - lost)) / due).toFixed(3)} % of ${due}; ${duplicated} twice, ` +
      `${reordered} out of order, ${resets.length} resets${told}`,
    goal: '100 %, 0, 0, 0',
    isMet: isClean(verdict) && resets.length === 0 && verdict.delivered === due,
  }
}
