import type { Cursor, ResetReason } from '../../src/shared/events.ts'
import type { Lineage } from '../../src/shared/protocol.ts'
import type { LogFacts } from '../log/ledger.ts'
import { agreesUpTo } from '../log/lineage.ts'

/** All that decides where a tab goes on, on the tab's side. */
export interface TabStanding {
  /** The last event that it has, or that it does not follow. */
  cursor: Cursor
  /** What it was told with the last batch, or will be with the one in flight. */
  lineage: Lineage
  /** It started at `'now'` (D5), and no event has been delivered to it. */
  isBeforeFirstDelivery: boolean
  /** Its log was empty, and began after this id for its sake (D5); `null`: it was not. */
  beginsAfter: string | null
  /** When that `'now'` was, in ms since 1970: what the hub received before is older than the tab. */
  since: number
  /** It was attached with a reset that it is still to be told. */
  pendingReset: ResetReason | null
  /** When it was looked at last, its log had something for it. */
  isBehind: boolean
  /** Its log took the place of the one it began in: up to this seq there may be events from before `since`. */
  oldUpTo: number | null
}

/** What a tab's session does next. */
export type Located =
  /** Nothing: what the tab needs is yet to come, from the leader or from the server. */
  | { kind: 'wait'; for: 'leader' | 'events' }
  /** The tab counts from here, and does not have to know. Then look again. */
  | { kind: 'move'; cursor: Cursor; oldUpTo: number | null }
  /** Continuity is lost: tell the tab, alone, and go on from here (D1). */
  | { kind: 'reset'; cursor: Cursor; reason: ResetReason }
  /** Tell the tab what it is to know of its log, without an event. */
  | { kind: 'tell' }
  /** Read what comes after the cursor. `oldUpTo`: leave out what is older than the tab, up to there. */
  | { kind: 'read'; oldUpTo: number | null }

export interface Placed {
  cursor: Cursor
  reset: ResetReason | null
}

/** Where a cursor stands in this log, and whether what it missed is still here (D4). */
export const placeCursor = (log: LogFacts, cursor: Cursor): Placed => {
  const { epoch, head, previous, epochStart } = log.position
  const beforeFirst = log.first - 1
  const atHead = { epoch, seq: head }
  if (cursor.epoch === log.emptyEpoch) return { cursor: { epoch, seq: beforeFirst }, reset: null }
  if (cursor.epoch !== epoch) {
    // Neither read nor told yet where the log stands: the cursor may well be good.
    if (log.alignedTerm === 0) return { cursor, reset: null }
    if (previous?.epoch !== cursor.epoch) return { cursor: atHead, reset: 'log-lost' }
    return {
      cursor: epochStart >= beforeFirst ? { epoch, seq: epochStart } : atHead,
      reset: previous.reason,
    }
  }
  return cursor.seq < beforeFirst ? { cursor: atHead, reset: 'fell-behind' } : { cursor, reset: null }
}

/** Where a tab goes on that was attached before, perhaps to another hub (D2, D4). @param lineage `null`: not known */
export const placeFormerTab = (log: LogFacts, cursor: Cursor, lineage: Lineage | null): Placed => {
  const { position } = log
  // It stays where it is until this log is in line with what the tab knows of.
  if (lineage !== null && lineage.term > position.term) return { cursor, reset: null }
  const agreed = lineage === null ? position.head : agreesUpTo(position, lineage)
  return placeCursor(log, { ...cursor, seq: Math.min(cursor.seq, agreed) })
}

/** When the epoch was followed by the present one, in ms since 1970; 0: not known, hence long ago. */
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
  // It knows of a later leader than this log does: what is part of both shows once they are in line (L3).
  if (lineage.term > term) return { kind: 'wait', for: 'leader' }

  const placed = placeCursor(log, cursor)
  const isElsewhere = placed.cursor.epoch !== cursor.epoch
  /** What the log holds is yet to come from the leader: only then does it show what the tab has missed. */
  const isUnfilled = log.first > head && log.announcedHead > head
  if (tab.beginsAfter !== null && cursor.epoch === log.emptyEpoch) {
    if (isUnfilled) return { kind: 'wait', for: 'leader' }
    // Another hub's log took the place of the one that began for its sake: it may know that event, or not.
    const seq = log.seqOf(tab.beginsAfter)
    if (seq !== null) return { kind: 'move', cursor: { epoch, seq }, oldUpTo: null }
    return { kind: 'reset', cursor: { epoch, seq: head }, reason: 'fell-behind' }
  }
  if (tab.isBeforeFirstDelivery) {
    const isOutrun = placed.reset === 'fell-behind'
    if (isOutrun && isUnfilled) return { kind: 'wait', for: 'leader' }
    // It came to a hub that had yet to hear of the leader, whose log has all that the tab is to hear.
    const cameToAnother = isElsewhere && !tab.isBehind && endOf(log, cursor.epoch) < since
    // What the log has trimmed is from before the tab came, and no loss of its own.
    const lostNothing = isOutrun && log.oldestAt !== null && log.oldestAt < since
    if (cameToAnother || lostNothing)
      return { kind: 'move', cursor: { epoch, seq: log.first - 1 }, oldUpTo: log.announcedHead }
  }

  const reason = tab.pendingReset ?? placed.reset
  if (reason !== null) return { kind: 'reset', cursor: placed.cursor, reason }
  // Another epoch without a reset: the log that the tab counted in never held anything.
  if (isElsewhere) return { kind: 'move', cursor: placed.cursor, oldUpTo: tab.oldUpTo }
  // It is in a log that somebody leads now, and may lose it: until it knows that, it counts as new. And its next
  // hub is to hear from it what the stream is known by (S1).
  if (term > 0 && (lineage.term === 0 || lineage.streamClient !== streamClient)) return { kind: 'tell' }
  if (cursor.seq >= head) return { kind: 'wait', for: 'events' }
  return { kind: 'read', oldUpTo: tab.oldUpTo }
}
