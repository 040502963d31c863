import type { Ledger } from './ledger.ts'

/** How much a log keeps at most (B2). */
export interface Bounds {
  /** How many events. */
  events: number
  /** In characters, of ids, types and data. */
  bytes: number
  /** ms */
  age: number
  /** How many events outlive that, as the newest of their topic and type (ST3). */
  newest: number
}

/**
 * How much of the committed events memory keeps as well, so that a tab which is a little behind costs no read. In a
 * flood, tabs that keep up are up to half of a default log behind (backpressure.ts). Reading that again from IndexedDB
 * took a third of the worker's time.
 */
const TAIL_EVENTS = 4_000
const TAIL_SIZE = 12 * 1024 * 1024

/**
 * Brings a log back within its bounds (B2). With IndexedDB, the leader alone decides, and whole records go, the oldest
 * first. Without IndexedDB, single events go.
 */
export const trimLedger = (ledger: Ledger, bounds: Bounds, now: number, hasStore: boolean): void => {
  const { records, tail, isLeading, position } = ledger
  const expired = now - bounds.age
  if (hasStore) {
    const isGone = records.trim(
      ({ first, at }, size) =>
        isLeading && (position.head - first >= bounds.events || size > bounds.bytes || at < expired),
    )
    const kept = records.oldest()?.first ?? ledger.takenUpTo + 1
    if (isGone) {
      const pending = ledger.touch()
      pending.trimBelow = Math.max(pending.trimBelow, kept)
    }
    const most = Math.min(TAIL_EVENTS, bounds.events)
    tail.trim(
      ({ seq }, count, size) =>
        seq <= ledger.committedUpTo && (seq < kept || count > most || size > TAIL_SIZE),
    )
  } else {
    tail.trim((event, count, size) => count > bounds.events || size > bounds.bytes || event.at < expired)
  }
  ledger.eventIds.trim(ledger.first())
  ledger.newest.detach(tail.first() ?? position.head + 1)
}
