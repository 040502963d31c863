import { LONGEST_TIMER, type Platform } from '../base/platform.ts'
import type { Bounds, Log } from '../log/log.ts'
import { sizeOf } from '../log/one-read.ts'
import type { Session } from './session.ts'

/** The part of the log's bounds that may wait for hidden tabs: half of it would already hold up the stream (D4). */
const SHARE = 1 / 4

export interface HiddenPaceOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** ms between two deliveries to hidden tabs. */
  every: number
  /** B2 */
  bounds: Bounds
  log: Pick<Log, 'position' | 'read'>
  tabs(): Pick<Session, 'isSlowed' | 'urgent' | 'cursor' | 'pump'>[]
}

/**
 * When hidden tabs are delivered to (H1). All hidden tabs of a hub are served at the same times. They then stand at one
 * place, so that one read serves all of them, and the hub has one timer.
 */
export interface HiddenPace {
  /** Delivers to tabs in view, and to each hidden tab that is due, or cannot wait. */
  deliver(): void
  /** Delivers to hidden tabs now. */
  flush(): void
}

export const createHiddenPace = ({ platform, every, bounds, log, tabs }: HiddenPaceOptions): HiddenPace => {
  const spacing = Math.min(every, bounds.age * SHARE, LONGEST_TIMER)
  let lastAt = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | null = null
  /** What waits for hidden tabs lies before this place of the log, and after their last delivery. */
  let lookedUpTo = { epoch: '', term: 0, seq: 0 }
  let waiting = { events: 0, size: 0 }
  /** By type, the seq of the newest event that waits. */
  const newest = new Map<string, number>()

  const startOver = () => {
    const { epoch, term, head: seq } = log.position()
    lookedUpTo = { epoch, term, seq }
    waiting = { events: 0, size: 0 }
    newest.clear()
  }

  const run = () => {
    cancel?.()
    cancel = null
    // A word about the log alone makes no event wait.
    if (waiting.events > 0 || log.position().head > lookedUpTo.seq) lastAt = platform.now()
    startOver()
    for (const tab of tabs()) if (tab.isSlowed()) tab.pump()
  }

  /** Looks through what has come. @returns whether hidden tabs cannot wait for it, whatever its types */
  const isPressing = (): boolean => {
    const { epoch, term, head } = log.position()
    // Tabs are to be told of another leader, of a reset, or of what else has changed but for events.
    if (epoch !== lookedUpTo.epoch || term !== lookedUpTo.term || head <= lookedUpTo.seq) return true
    while (lookedUpTo.seq < head) {
      const events = log.read(lookedUpTo.seq)
      // What is no longer in memory is no little, and a reset awaits who lacks what the log has lost.
      if (!Array.isArray(events) || events.length === 0) return true
      for (const event of events) {
        newest.set(event.type, event.seq)
        waiting.size += sizeOf(event)
      }
      waiting.events += events.length
      lookedUpTo.seq = events.at(-1)!.seq
    }
    return waiting.events > bounds.events * SHARE || waiting.size > bounds.bytes * SHARE
  }

  const hasUrgent = ({ urgent, cursor }: Pick<Session, 'urgent' | 'cursor'>): boolean => {
    const types = urgent()
    return types === '*' || types.some((type) => (newest.get(type) ?? 0) > cursor().seq)
  }

  return {
    deliver() {
      const all = tabs()
      const slowed = all.filter((tab) => tab.isSlowed())
      for (const tab of all) if (!slowed.includes(tab)) tab.pump()
      if (slowed.length === 0) return startOver()
      // A clock that was set back makes nobody wait for longer.
      const left = spacing - Math.abs(platform.now() - lastAt)
      if (isPressing() || left <= 0) return run()
      for (const tab of slowed) if (hasUrgent(tab)) tab.pump()
      cancel ??= platform.after(left, run)
    },
    flush() {
      if (tabs().some((tab) => tab.isSlowed())) run()
    },
  }
}
