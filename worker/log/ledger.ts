import type { LoggedEvent } from '../../src/shared/events.ts'
import type { Lineage } from '../../src/shared/protocol.ts'
import type { Platform } from '../base/platform.ts'
import { createIdentities } from './event-ids.ts'
import { sharedUpTo } from './lineage.ts'
import { createTail } from './memory-tail.ts'
import { createRecords } from './record-index.ts'
import type { Position } from './store.ts'

/**
 * Committed events kept in memory as well, so that a tab a little behind costs no read: in a flood, tabs that keep up
 * are up to half of a default log behind (backpressure.ts), and reading it again took a third of the worker's time.
 */
const TAIL_EVENTS = 4_000
const TAIL_SIZE = 12 * 1024 * 1024

/** B2. events: count; bytes: characters; age: ms */
export interface Bounds {
  events: number
  bytes: number
  age: number
}

export type Ledger = ReturnType<typeof createLedger>

/**
 * The account of one log: what there is, in memory and in IndexedDB, and up to where it is committed. Plain
 * state that only the log's own files touch; it neither reads nor writes the database.
 */
export const createLedger = (platform: Pick<Platform, 'now' | 'uuid'>, bounds: Bounds) => {
  const position: Position = {
    term: 0,
    leader: '',
    leaders: [],
    epoch: platform.uuid(),
    head: 0,
    lastEventId: '',
    previous: null,
    epochStart: 0,
    streamClient: platform.uuid(),
  }
  const account = {
    position,
    /** What IndexedDB holds, or is about to. */
    records: createRecords(),
    /** Uncommitted events are always in it. Without IndexedDB: all there are. */
    tail: createTail(),
    identities: createIdentities(),
    /** The head that `lastEventId` belongs to, where a follower has heard of more than it holds. */
    known: 0,
    /** Whether this hub appends. */
    leading: false,
    /** The term whose leader this log is in line with. */
    aligned: 0,
    /** Everything up to this seq is in IndexedDB, or (`taken`) in the transaction under way. */
    committed: 0,
    taken: 0,
    /** What the next transaction deletes (store.ts). */
    trimBelow: 0,
    cutAbove: null as number | null,
    /** There is something to commit. */
    dirty: false,

    /** seq of the oldest event; head + 1 if there is none. */
    first: (): number =>
      Math.min(
        account.records.first() ?? Number.POSITIVE_INFINITY,
        account.tail.first() ?? Number.POSITIVE_INFINITY,
        account.position.head + 1,
      ),
    /** Up to where what was heard of a leader is part of this log. */
    sureSince({ term, leaders, committedUpTo: durable }: Lineage): number {
      const { position } = account
      // Heard of one that this log has still to come in line with: it may well be.
      if (position.leader === '' || term > position.term) return Number.POSITIVE_INFINITY
      // Of leaders so long ago that none is known, only what was committed is sure to be in every later one's log.
      return sharedUpTo(position.leaders, leaders) ?? durable
    },
    keep(event: LoggedEvent) {
      account.tail.push(event)
      account.identities.add(event)
    },
    /** All of them, and what is said to be in IndexedDB. */
    forget(committed: number) {
      account.tail.clear()
      account.identities.clear()
      account.records.clear()
      account.committed = account.taken = committed
    },
    /** Forgets what lies beyond `head`. */
    cut(head: number) {
      // The last event ID stays that of what was there: `known` says so.
      account.known = Math.max(account.known, account.position.head)
      account.tail.cut(head)
      account.identities.cut(head)
      account.records.cut(head)
      account.position.head = head
      account.committed = account.taken = Math.min(account.committed, head)
    },
    /** B2: whole records go, the oldest first; without IndexedDB, single events. */
    trim(durable: boolean) {
      const { records, tail, leading } = account
      const oldest = platform.now() - bounds.age
      if (!durable) {
        tail.trim((event, count, size) => count > bounds.events || size > bounds.bytes || event.at < oldest)
      } else {
        const { head } = account.position
        const gone = records.trim(
          (record, size) =>
            leading && (head - record.first >= bounds.events || size > bounds.bytes || record.at < oldest),
        )
        const kept = records.first() ?? account.taken + 1
        if (gone) {
          account.trimBelow = Math.max(account.trimBelow, kept)
          account.dirty = true
        }
        const most = Math.min(TAIL_EVENTS, bounds.events)
        tail.trim(
          ({ seq }, count, size) =>
            seq <= account.committed && (seq < kept || count > most || size > TAIL_SIZE),
        )
      }
      account.identities.trim(account.first())
    },
  }
  return account
}
