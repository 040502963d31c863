import { createGap } from './gap.ts'
import type { Platform } from './platform.ts'
import { READ_EVENTS } from './tail.ts'

/**
 * ms between two deliveries, a tab: a message to a tab costs the browser about a tenth of a ms whatever is in it,
 * so that all tabs together take some 4 % of a core for it.
 */
const SPACING_PER_TAB = 3
/** Events a ms from which on it is the longest: what one event more costs a tab is then less than what a message does. */
const DENSE = 4

export interface PaceOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** ms: the most that an event waits for others. */
  most: number
  tabs(): number
  /** Deliver what there is. */
  deliver(): void
}

/**
 * When to deliver. At once, as long as events come one by one; once several come within the time of one spacing,
 * that far apart, since a message to a tab costs more than the events in it; and at once again where more has come
 * than one message takes.
 */
export const createPace = ({ platform, most, tabs, deliver }: PaceOptions) => {
  const gap = createGap(platform)
  let deliveredAt = 0
  let deliveredTo = 0
  let isDense = false
  let cancel: (() => void) | null = null

  const run = (head: number) => {
    cancel?.()
    cancel = null
    const now = platform.now()
    isDense = head - deliveredTo > DENSE * Math.max(1, Math.abs(now - deliveredAt))
    deliveredAt = now
    deliveredTo = head
    deliver()
  }

  return {
    /** There is something to deliver: `head` is the newest seq. */
    arrived(head: () => number) {
      gap.came()
      if (head() - deliveredTo >= READ_EVENTS) return run(head())
      if (cancel !== null) return
      const spacing = isDense ? most : Math.min(most, SPACING_PER_TAB * tabs())
      // A clock that was set back makes nobody wait for longer.
      const wait = gap.ms() < spacing / 2 ? spacing - Math.abs(platform.now() - deliveredAt) : 0
      if (wait <= 0) return run(head())
      cancel = platform.after(wait, () => run(head()))
    },
  }
}
