import type { Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'

export interface NewestKnown {
  /** The newest term that this hub has heard of or has had; 0: none. */
  term(): number
  heardOf(term: number): void
  /** A tab that comes from another hub, or another hub, says where a log stood. Kept if it is the newest. */
  heed(point: LogPoint): void
  /** Whether anybody has told of a leader. */
  isTold(): boolean
  /** Where the newest log stood that this hub knows of: its own, or one that it was told of. */
  logPoint(): LogPoint
  /** The next term is to be above this one (L3). */
  termToExceed(): number
  /** What this hub was told is over: its last tab has gone. */
  forget(): void
}

/** What a hub knows of other hubs' leaders and logs, from its tabs and from the channel (L3, L5). */
export const createNewestKnown = (log: Pick<Log, 'position' | 'lineage'>): NewestKnown => {
  let newestTerm = 0
  let told: LogPoint | null = null
  const toldTerm = () => told?.lineage.term ?? 0
  return {
    term: () => newestTerm,
    heardOf(term) {
      newestTerm = Math.max(newestTerm, term)
    },
    heed(point) {
      if (point.lineage.term > toldTerm()) told = point
    },
    isTold: () => told !== null,
    logPoint() {
      const { term, epoch, head: seq } = log.position()
      if (told !== null && toldTerm() > term) return told
      return { cursor: { epoch, seq }, lineage: log.lineage() }
    },
    termToExceed: () => Math.max(newestTerm, toldTerm()),
    forget() {
      told = null
    },
  }
}
