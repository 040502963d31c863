import type { Batch, Lineage } from '../../src/shared/protocol.ts'
import { agreesUpTo } from '../log/lineage.ts'
import type { Log } from '../log/log.ts'

/** What a batch says of the log that it comes from. */
export type Stamp = Pick<Batch, 'term' | 'leaders' | 'committedUpTo' | 'lastEventId' | 'streamClient'>

/** What a tab has been told of its log, or will be with the batch in flight. */
export interface Told {
  lineage(): Lineage
  /** The cursor that the tab itself knows of. */
  seq(): number
  /** Another leader took over. @returns up to where what the tab was told is part of its log (L3) */
  truncate(): number
  /** What the tab is to be told of a log that has been cut since: what it has had may come again (D2). */
  rewind(): Batch['rewind']
  /** For a batch that ends at `to`: from here on the tab counts as told. @param lastEventId at `to`, where known */
  stamp(to: number, lastEventId?: string): Stamp
  /** The tab has taken a batch that ends at `to`. @returns where it stands: the log may have been cut meanwhile */
  took(to: number): number
}

export const createTold = (
  log: Pick<Log, 'lineage' | 'position'>,
  start: { lineage: Lineage; seq: number },
): Told => {
  let { lineage, seq } = start
  /** The log ends, or ended, here, and the tab is still to be told. */
  let rewindTo: number | null = null

  return {
    lineage: () => lineage,
    seq: () => seq,
    truncate() {
      const agreed = agreesUpTo(log.position(), lineage)
      rewindTo = Math.min(rewindTo ?? agreed, agreed)
      return agreed
    },
    rewind: () =>
      rewindTo !== null && rewindTo < seq ? { seq: rewindTo, id: log.lineage(rewindTo).lastEventId } : null,
    stamp(to, lastEventId) {
      rewindTo = null
      const before = lineage.leaders.at(-1)?.leader
      const here = log.lineage(to)
      lineage = { ...here, lastEventId: lastEventId ?? here.lastEventId }
      return { ...lineage, leaders: lineage.leaders.at(-1)?.leader === before ? null : lineage.leaders }
    },
    took(to) {
      seq = to
      return Math.min(to, rewindTo ?? to)
    },
  }
}
