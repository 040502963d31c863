import type { LoggedEvent } from '../../src/shared/events.ts'
import type { Platform } from '../base/platform.ts'
import { claimsUpTo } from './claim-records.ts'
import { createEventIds, type EventIds } from './event-ids.ts'
import { createMemoryTail, type MemoryTail } from './memory-tail.ts'
import { createNewest, type Newest } from './newest.ts'
import { createRecordIndex, type RecordIndex } from './record-index.ts'
import type { Position } from './store.ts'

/** What the next transaction deletes (store.ts). */
export interface PendingWrite {
  trimBelow: number
  cutAbove: number | null
  isStrict: boolean
}

/** What a log says of itself to those who ask where a tab stands in it. */
export interface LogFacts {
  position: Readonly<Position>
  /** seq of the oldest event; head + 1 if there is none. */
  first: number
  /** When that event was received, in ms since 1970; `null`: there is none. */
  oldestAt: number | null
  /** The head that a leader has told of: a follower may have heard of more than it holds. */
  announcedHead: number
  /**
   * The term whose leader this log is in line with. 0: this hub has neither read nor been told where the log stands.
   */
  alignedTerm: number
  /** The epoch that this hub began itself and left empty, so that no event was lost with it. `null`: there is none. */
  emptyEpoch: string | null
  /** The seq of the event with this id, or the head if the position has this id. `null`: the log knows no such id. */
  seqOf(id: string): number | null
}

/**
 * The account of one log: which events are in memory and in IndexedDB, and up to which seq they are committed. Only
 * the files of this wing change it. The ledger itself neither reads nor writes the database.
 */
export interface Ledger {
  position: Position
  /** What IndexedDB holds, or is about to. */
  readonly records: RecordIndex
  /** The newest events, among them all uncommitted ones. Without IndexedDB it holds all events. */
  readonly tail: MemoryTail
  readonly eventIds: EventIds
  /** The newest event of each kind, whether or not the log still has it. */
  readonly newest: Newest
  /** The head that `lastEventId` belongs to, if a follower has heard of more events than it holds. */
  announcedHead: number
  /** Whether this hub appends. */
  isLeading: boolean
  /** As in `LogFacts`. */
  alignedTerm: number
  /**
   * How this hub knows where its log stands.
   *
   * - `fresh`: this hub began the log itself.
   * - `recalled`: a tab or another hub has told where the log stood, and nothing has come since.
   * - `aligned`: this hub has brought its log in line with another hub's.
   */
  origin: 'fresh' | 'recalled' | 'aligned'
  /** As in `LogFacts`. */
  emptyEpoch: string | null
  /** Everything up to this seq is in IndexedDB. */
  committedUpTo: number
  /** Everything up to this seq is in IndexedDB, or in the transaction under way. */
  takenUpTo: number
  /** Somebody waits for a commit, and is told of it by `onChange`. */
  isCommitAwaited: boolean
  /** What the next commit does beside writing events. `null`: there is nothing to commit, no event either. */
  pending: PendingWrite | null
  first(): number
  facts(): LogFacts
  /** As in `LogFacts`. */
  seqOf(id: string): number | null
  /** There is something to commit. */
  touch(): PendingWrite
  /** The log leaves the epoch in which this hub began it. */
  leaveOwnEpoch(): void
  keep(event: LoggedEvent): void
  /** Forgets all events. @param committed the seq up to which the log counts as committed */
  forget(committed: number): void
  /** Forgets what lies beyond `head`. */
  cut(head: number): void
}

const newPosition = ({ uuid }: Pick<Platform, 'uuid'>): Position => ({
  term: 0,
  leader: '',
  leaders: [],
  epoch: uuid(),
  head: 0,
  lastEventId: '',
  previous: null,
  epochStart: 0,
  streamClient: uuid(),
})

/** @param most how many events outlive trimming (ST3) */
export const createLedger = (platform: Pick<Platform, 'uuid'>, most: number): Ledger => {
  const records = createRecordIndex()
  const tail = createMemoryTail()
  const eventIds = createEventIds()
  const newest = createNewest(most)
  const position = newPosition(platform)
  const ownEpoch = position.epoch

  const ledger: Ledger = {
    position,
    records,
    tail,
    eventIds,
    newest,
    announcedHead: 0,
    isLeading: false,
    alignedTerm: 0,
    origin: 'fresh',
    emptyEpoch: null,
    committedUpTo: 0,
    takenUpTo: 0,
    isCommitAwaited: false,
    pending: null,

    first: () =>
      Math.min(
        records.oldest()?.first ?? Number.POSITIVE_INFINITY,
        tail.first() ?? Number.POSITIVE_INFINITY,
        ledger.position.head + 1,
      ),
    facts() {
      const first = ledger.first()
      const stored = records.oldest()
      return {
        position: ledger.position,
        first,
        oldestAt: stored?.first === first ? stored.oldestAt : (tail.at(first)?.at ?? null),
        announcedHead: Math.max(ledger.announcedHead, ledger.position.head),
        alignedTerm: ledger.alignedTerm,
        emptyEpoch: ledger.emptyEpoch,
        seqOf: ledger.seqOf,
      }
    },
    seqOf: (id) =>
      eventIds.seqsOf(id).at(-1) ?? (id === ledger.position.lastEventId ? ledger.position.head : null),
    touch() {
      ledger.pending ??= { trimBelow: 0, cutAbove: null, isStrict: false }
      return ledger.pending
    },
    leaveOwnEpoch() {
      if (ledger.position.epoch === ownEpoch) ledger.emptyEpoch = ownEpoch
    },
    keep(event) {
      tail.push(event)
      eventIds.add(event)
      newest.keep(event, ledger.committedUpTo)
    },
    forget(committed) {
      tail.clear()
      eventIds.clear()
      newest.clear()
      records.clear()
      ledger.committedUpTo = ledger.takenUpTo = committed
    },
    cut(head) {
      // `lastEventId` stays that of the head before the cut: `announcedHead` keeps that head.
      ledger.announcedHead = Math.max(ledger.announcedHead, ledger.position.head)
      tail.cut(head)
      eventIds.cut(head)
      records.cut(head)
      newest.cut(head, tail.since(0))
      ledger.position.head = head
      ledger.position.claims = claimsUpTo(ledger.position.claims, head)
      ledger.committedUpTo = ledger.takenUpTo = Math.min(ledger.committedUpTo, head)
    },
  }
  return ledger
}
