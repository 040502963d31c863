import type { Cursor, ResetReason } from '../../src/shared/events.ts'
import type { Lineage } from '../../src/shared/protocol.ts'
import type { LogFacts } from '../log/ledger.ts'
import { agreesUpTo } from '../log/lineage.ts'

/** All that a hub knows of a tab, and that decides where the tab goes on. */
export interface TabStanding {
  /** The last event that the tab has taken, or that it does not follow. */
  cursor: Cursor
  /** What the tab was told with its last batch, or is told with the one in flight. */
  lineage: Lineage
  /** The tab started at `'now'` (D5), and no event has been delivered to it. */
  isBeforeFirstDelivery: boolean
  /** For this tab's sake an empty log began after this id (D5). `null`: the log did not. */
  beginsAfter: string | null
  /** When the page connected, in ms since 1970. What the hub received before that is older than the tab. */
  since: number
  /** The reset that came up when the tab attached, and that it is still to be told. `null`: none. */
  pendingReset: ResetReason | null
  /** At the last look, the log had events after the tab's cursor. */
  isBehind: boolean
  /** The log replaced the one that the tab began in. Up to this seq it may have events from before `since`. */
  oldUpTo: number | null
}

/** What a tab's session does next. */
export type Located =
  /** The session waits: what the tab needs is yet to come, from the leader or from the server. */
  | { kind: 'wait'; for: 'leader' | 'events' }
  /** The session moves its cursor, without telling the tab, and looks again. */
  | { kind: 'move'; cursor: Cursor; oldUpTo: number | null }
  /** Continuity is lost. The session tells the tab by a batch without events, and goes on from this cursor (D1). */
  | { kind: 'reset'; cursor: Cursor; reason: ResetReason }
  /** The session tells the tab of its log by a batch without events. */
  | { kind: 'tell' }
  /** The session reads after the cursor. `oldUpTo`: up to there it leaves out events that are older than the tab. */
  | { kind: 'read'; oldUpTo: number | null }

export interface Placed {
  cursor: Cursor
  reset: ResetReason | null
}

/** Where a cursor stands in this log, and whether the log still has what comes after it (D4). */
export const placeCursor = (log: LogFacts, cursor: Cursor): Placed => {
  const { epoch, head, previous, epochStart } = log.position
  const beforeFirst = log.first - 1
  const atHead = { epoch, seq: head }
  if (cursor.epoch === log.emptyEpoch) return { cursor: { epoch, seq: beforeFirst }, reset: null }
  if (cursor.epoch !== epoch) {
    // The hub has neither read nor been told where the log stands: the cursor may well be good.
    if (log.alignedTerm === 0) return { cursor, reset: null }
    if (previous?.epoch !== cursor.epoch) return { cursor: atHead, reset: 'log-lost' }
    return {
      cursor: epochStart >= beforeFirst ? { epoch, seq: epochStart } : atHead,
      reset: previous.reason,
    }
  }
  return cursor.seq < beforeFirst ? { cursor: atHead, reset: 'fell-behind' } : { cursor, reset: null }
}

/** Where a tab goes on that was at a hub before (D2, D4). @param lineage what it knows of that hub's log, or `null` */
export const placeFormerTab = (log: LogFacts, cursor: Cursor, lineage: Lineage | null): Placed => {
  const { position } = log
  // The tab has heard of a later leader. It stays where it is until this log is in line with that leader's.
  if (lineage !== null && lineage.term > position.term) return { cursor, reset: null }
  const agreed = lineage === null ? position.head : agreesUpTo(position, lineage)
  return placeCursor(log, { ...cursor, seq: Math.min(cursor.seq, agreed) })
}

/** When the log left this epoch for its present one, in ms since 1970; 0: long ago, since the log does not know it. */
const endOf = ({ position: { previous } }: LogFacts, epoch: string): number =>
  previous?.epoch === epoch ? previous.at : 0

/**
 * Where a tab stands in a log, and what follows from it. Pure, and the one place that knows (D1, D4, D5, L3). The
 * order of the questions matters.
 */
export const locateTab = (log: LogFacts, tab: TabStanding): Located => {
  const { position } = log
  const { epoch, head, term, streamClient } = position
  const { cursor, lineage, since } = tab
  // The tab knows of a later leader than this log does. Up to where the two logs agree shows once they are in line
  // (L3).
  if (lineage.term > term) return { kind: 'wait', for: 'leader' }

  const placed = placeCursor(log, cursor)
  const isElsewhere = placed.cursor.epoch !== cursor.epoch
  /** The leader has yet to send what the log holds. Before that, nobody can say what the tab has missed. */
  const isUnfilled = log.first > head && log.announcedHead > head
  if (tab.beginsAfter !== null && cursor.epoch === log.emptyEpoch) {
    if (isUnfilled) return { kind: 'wait', for: 'leader' }
    // Another hub's log replaced the one that began for the tab's sake. That log may know the event, or not.
    const seq = log.seqOf(tab.beginsAfter)
    if (seq !== null) return { kind: 'move', cursor: { epoch, seq }, oldUpTo: null }
    return { kind: 'reset', cursor: { epoch, seq: head }, reason: 'fell-behind' }
  }
  if (tab.isBeforeFirstDelivery) {
    const isOutrun = placed.reset === 'fell-behind'
    if (isOutrun && isUnfilled) return { kind: 'wait', for: 'leader' }
    // The tab came to a hub that had yet to hear of the leader. The leader's log has all that the tab is to hear.
    const cameToAnother = isElsewhere && !tab.isBehind && endOf(log, cursor.epoch) < since
    // What the log has trimmed is from before the tab came: the tab has lost nothing.
    const lostNothing = isOutrun && log.oldestAt !== null && log.oldestAt < since
    if (cameToAnother || lostNothing)
      return { kind: 'move', cursor: { epoch, seq: log.first - 1 }, oldUpTo: log.announcedHead }
  }

  const reason = tab.pendingReset ?? placed.reset
  if (reason !== null) return { kind: 'reset', cursor: placed.cursor, reason }
  // Another epoch without a reset: the log that the tab counted in never held anything.
  if (isElsewhere) return { kind: 'move', cursor: placed.cursor, oldUpTo: tab.oldUpTo }
  // A tab that was told of no leader counts as new at its next hub, so it has to hear of this one. From the tab, the
  // next hub learns the `streamClient` as well (S1).
  if (term > 0 && (lineage.term === 0 || lineage.streamClient !== streamClient)) return { kind: 'tell' }
  if (cursor.seq >= head) return { kind: 'wait', for: 'events' }
  return { kind: 'read', oldUpTo: tab.oldUpTo }
}
