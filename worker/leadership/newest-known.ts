import type { Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'

export interface NewestKnown {
  /** The newest term that this hub has heard of or has had; 0: none. */
  term(): number
  heardOf(term: number): void
  /** Another hub, or a tab that comes from one, says where a log stood. The newest such word is kept. */
  heed(point: LogPoint): void
  /** Whether a tab or a hub has told where a log stood. */
  isTold(): boolean
  /** Where the newest log stood that this hub knows of: its own, or one that it was told of. */
  logPoint(): LogPoint
  /** The next term is to be above this one (L3). */
  termToExceed(): number
  /** Forgets what this hub was told: its last tab has gone. */
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
