import { createMeanGap } from '../base/mean-gap.ts'
import { type Platform, pause } from '../base/platform.ts'
import { READ_EVENTS } from '../log/one-read.ts'

/**
 * ms between two deliveries, for each tab. A message to a tab costs the browser about a tenth of a ms, whatever the
 * message holds. All tabs together then take some 4 % of a core for messages.
 */
const SPACING_PER_TAB = 3
/** ms between two deliveries, at least: one tab alone would cost twice what a native stream does (P12). */
const SPACING = 8
/** Events a ms at which the spacing grows to its longest: another event then costs a tab less than a message does. */
const DENSE = 4
/** ms that a gap between events counts at most. */
const LONGEST_GAP = 100
/** ms before a delivery in which the stream is read for it. */
const READING = 1

export interface PacingOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** ms: the most that an event waits for others. */
  most: number
  /** How many tabs there are. */
  tabs(): number
  /** Delivers what there is. */
  deliver(): void
}

/**
 * When the hub delivers, and when it reads for a delivery (P3).
 *
 * An event that comes alone is delivered at once. Events that come faster than one spacing are delivered that far
 * apart, since a message to a tab costs more than the events in it. Where more has come than one message takes, the
 * hub delivers at once again. A read costs as much as a message, so the hub reads just before a delivery.
 */
export interface Pacing {
  /** There is something to deliver. @param head asks for the newest seq */
  arrived(head: () => number): void
  /** For a reader that has read all there was: resolves when it is time to read for the next delivery. */
  rest(): Promise<void>
}

/** A delivery that waits for its time. */
interface Due {
  /** In ms since 1970. */
  at: number
  cancel(): void
}

export const createPacing = ({ platform, most, tabs, deliver }: PacingOptions): Pacing => {
  const gap = createMeanGap(platform, LONGEST_GAP)
  let last = { at: 0, head: 0, isDense: false }
  let due: Due | null = null
  let arrivedTo = 0
  /** The reader has rested: the events that it reads next came one by one meanwhile. */
  let hasRested = false

  const run = (head: number) => {
    due?.cancel()
    due = null
    const at = platform.now()
    last = { at, head, isDense: head - last.head > DENSE * Math.max(1, Math.abs(at - last.at)) }
    deliver()
  }

  /** ms until the next delivery, from now on. */
  const waitingTime = (): number => {
    const spacing = last.isDense ? most : Math.min(most, Math.max(SPACING, SPACING_PER_TAB * tabs()))
    // A clock that was set back makes nobody wait for longer.
    return gap.ms() < spacing / 2 ? spacing - Math.abs(platform.now() - last.at) : 0
  }

  return {
    arrived(head) {
      const newest = head()
      gap.came(hasRested ? Math.max(1, newest - arrivedTo) : 1)
      hasRested = false
      arrivedTo = newest
      if (newest - last.head >= READ_EVENTS) return run(newest)
      if (due !== null) return
      const wait = waitingTime()
      if (wait <= 0) return run(newest)
      due = { at: platform.now() + wait, cancel: platform.after(wait, () => run(head())) }
    },
    async rest() {
      if (due === null) return
      const ms = due.at - READING - platform.now()
      // A clock that was set back makes nobody wait for longer.
      if (ms <= 0 || ms > most) return
      hasRested = true
      await pause(platform, ms)
    },
  }
}
