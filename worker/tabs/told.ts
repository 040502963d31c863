import type { Batch, Lineage } from '../../src/shared/protocol.ts'
import { agreesUpTo } from '../log/lineage.ts'
import type { Log } from '../log/log.ts'

/** What a batch says of its log. */
export type Stamp = Pick<Batch, 'term' | 'leaders' | 'committedUpTo' | 'lastEventId' | 'streamClient'>

/** What a tab has been told of its log, or is told with the batch in flight. */
export interface Told {
  lineage(): Lineage
  /** The seq of the cursor that the tab itself knows. The hub's cursor for the tab may be further on. */
  seq(): number
  /** Another leader took over. @returns the seq up to which that leader's log agrees with what the tab was told (L3) */
  truncate(): number
  /** What the next batch says of a cut: events that the tab has had may come again (D2). `null`: there was no cut. */
  rewind(): Batch['rewind']
  /** Stamps a batch that ends at `to`. From here on the tab counts as told. @param lastEventId at `to`, if known */
  stamp(to: number, lastEventId?: string): Stamp
  /** The tab has taken a batch that ends at `to`. @returns its cursor's seq: the log may have been cut meanwhile */
  took(to: number): number
}

export const createTold = (
  log: Pick<Log, 'lineage' | 'position'>,
  start: { lineage: Lineage; seq: number },
): Told => {
  let { lineage, seq } = start
  /** The log was cut here, and the tab is still to be told. */
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
