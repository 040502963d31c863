import { createGap } from '../base/mean-gap.ts'
import { type Platform, pause } from '../base/platform.ts'
import { READ_EVENTS } from '../log/memory-tail.ts'

/**
 * ms between two deliveries, a tab: a message to a tab costs the browser about a tenth of a ms whatever is in it,
 * so that all tabs together take some 4 % of a core for it.
 */
const SPACING_PER_TAB = 3
/** Events a ms from which on it is the longest: what one event more costs a tab is then less than what a message does. */
const DENSE = 4
/** ms before a delivery in which what is to go along is read. */
const READING = 1

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
 * than one message takes. And when to read for it: a read costs as much as a message, however little it gives.
 */
export const createPace = ({ platform, most, tabs, deliver }: PaceOptions) => {
  const gap = createGap(platform)
  let deliveredAt = 0
  let deliveredTo = 0
  let isDense = false
  let arrivedTo = 0
  /** What comes next has come one by one while nobody read. */
  let hasRested = false
  /** When the next delivery is, if one is due. */
  let dueAt = 0
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
      gap.came(hasRested ? Math.max(1, head() - arrivedTo) : 1)
      hasRested = false
      arrivedTo = head()
      if (head() - deliveredTo >= READ_EVENTS) return run(head())
      if (cancel !== null) return
      const spacing = isDense ? most : Math.min(most, SPACING_PER_TAB * tabs())
      // A clock that was set back makes nobody wait for longer.
      const wait = gap.ms() < spacing / 2 ? spacing - Math.abs(platform.now() - deliveredAt) : 0
      if (wait <= 0) return run(head())
      dueAt = platform.now() + wait
      cancel = platform.after(wait, () => run(head()))
    },
    /** Where all that there was is read: resolves when it is time to read what goes along with it. */
    async rest(): Promise<void> {
      const ms = dueAt - READING - platform.now()
      // A clock that was set back makes nobody wait for longer.
      if (cancel === null || ms <= 0 || ms > most) return
      hasRested = true
      await pause(platform, ms)
    },
  }
}
