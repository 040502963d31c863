import type { Cursor, From, LoggedEvent } from '../../src/shared/events.ts'
import type { Lineage } from '../../src/shared/protocol.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import { createLedger, type LogFacts } from './ledger.ts'
import type { LogCore } from './log-core.ts'
import type { LogPoint } from './log-point.ts'
import { type Committed, createPersistence } from './persistence.ts'
import { recall } from './recall.ts'
import { createReplica, type Replica } from './replica.ts'
import { beginAfter, startCursor } from './start-cursor.ts'
import type { LogStore, Position } from './store.ts'
import { createTermClaim, type TermClaim } from './term.ts'
import type { Bounds } from './trim-ledger.ts'
import { createWriter, type Writer } from './writer.ts'

export type { Committed } from './persistence.ts'
export type { Bounds } from './trim-ledger.ts'

/** What one `append` added. */
export interface Appended {
  /** head before it. */
  after: number
  events: LoggedEvent[]
}

export interface LogOptions {
  platform: Platform
  open(onLost: () => void): Promise<LogStore>
  bounds: Bounds
  /** D3 */
  dedupe: boolean
  metrics: MetricsRecorder
  /** There are events to deliver, or another epoch. `appended`: by this hub, as leader. */
  onChange(appended: Appended | null): void
  onCommitted(committed: Committed): void
  /** Another leader took over: what was delivered before may be no part of the log any more (lineage.ts). */
  onTruncate(): void
  /** A write was refused: there is another leader (L3). */
  onFenced(): void
  /** IndexedDB failed (`cause` says how), or is back (`null`). */
  onDurable(cause: string | null): void
}

/**
 * The events in order: the newest in memory, the rest in IndexedDB, right behind (D2). It knows nothing of tabs.
 *
 * - `TermClaim`: how a hub becomes its leader, and ceases to be.
 * - `Writer`: what the leader's hub does with it.
 * - `Replica`: what a follower's hub does with it.
 * - `ledger.ts` is its state, `persistence.ts` its database.
 */
export interface Log extends TermClaim, Writer, Replica {
  /** Resolves once the position is known, from IndexedDB or, failing that, afresh. */
  ready: Promise<void>
  position(): Readonly<Position>
  epoch(): string
  /** What is told to a tab whose cursor comes to be at `seq`; the head, if left out. */
  lineage(seq?: number): Lineage
  /** Where the log stands, for those who ask where a tab stands in it. */
  facts(): LogFacts
  /** seq of the oldest event; head + 1 if there is none. */
  first(): number
  /** seq of the newest event. */
  head(): number
  /** The log is in IndexedDB up to this seq. */
  committed(): number
  isDurable(): boolean
  lastEventId(): string
  streamClient(): string
  /** The rhythm that the server has shown last (S3), in ms; `null`: none. */
  rhythm(): number | null
  /** One read after `seq`, in order and without holes; empty if there is nothing, or it is gone. */
  read(seq: number): LoggedEvent[] | Promise<LoggedEvent[]>
  /** A tab, or another hub, knows where the log stood (recall.ts). */
  recall(point: LogPoint): void
  /** An empty log begins after the event with this id (start-cursor.ts). @returns whether it does */
  beginAfter(id: string): boolean
  /** Where a tab starts that has no cursor (start-cursor.ts). @param since default: what the log holds is older */
  start(from: From, since?: number): Cursor | null
  /** What there is now is to be committed as soon as can be: `onChange` tells once it is. */
  awaitCommit(): void
  /** Commits what is left. */
  flush(): Promise<void>
  /** Ends it without a commit: the log is about to be deleted (A4). */
  discard(): void
  /** Commits what is left, and ends it. */
  close(): Promise<void>
}

export const createLog = ({ platform, open, bounds, dedupe, metrics, ...hooks }: LogOptions): Log => {
  const ledger = createLedger(platform)
  const { tail } = ledger
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = queue.then(run)
    queue = turn.catch(() => {})
    return turn
  }
  const persistence = createPersistence({
    platform,
    ledger,
    bounds,
    open,
    inTurn,
    ...hooks,
    onFound: () => hooks.onChange(null),
    onDurable(cause) {
      hooks.onDurable(cause)
      // Without IndexedDB, or with another's log in it, there may be less to read: sessions look again.
      hooks.onChange(null)
    },
  })
  const ready = inTurn(persistence.load)

  const read = (seq: number): LoggedEvent[] | Promise<LoggedEvent[]> =>
    seq >= (tail.first() ?? ledger.position.head + 1) - 1 ? tail.after(seq) : persistence.read(seq)

  const { onChange, onTruncate } = hooks
  const core: LogCore = { platform, ledger, persistence, metrics, inTurn, read, onChange, onTruncate }

  return {
    ...createTermClaim(core),
    ...createWriter(core, dedupe),
    ...createReplica(core),
    ready,
    position: () => ledger.position,
    epoch: () => ledger.position.epoch,
    lineage(seq = ledger.position.head) {
      const { term, leaders, head, lastEventId: newest, streamClient } = ledger.position
      const noted = () =>
        tail.at(seq)?.id ?? leaders.findLast(({ startsAfter }) => startsAfter === seq)?.lastEventId ?? null
      const lastEventId = seq === head && ledger.announcedHead <= head ? newest : noted()
      return { term, leaders, committedUpTo: ledger.committedUpTo, lastEventId, streamClient }
    },
    facts: ledger.facts,
    first: ledger.first,
    head: () => ledger.position.head,
    committed: () => ledger.committedUpTo,
    isDurable: persistence.isDurable,
    lastEventId: () => ledger.position.lastEventId,
    streamClient: () => ledger.position.streamClient,
    rhythm: () => ledger.position.rhythm ?? null,
    read,
    recall: (point) => recall(ledger, point),
    beginAfter: (id) => beginAfter(ledger, id),
    start: (from, since = Number.POSITIVE_INFINITY) => startCursor(ledger, from, since, platform.now()),
    awaitCommit() {
      ledger.isCommitAwaited = true
      void persistence.commitNow()
    },
    flush: () => inTurn(persistence.commitNow),
    discard: persistence.close,
    async close() {
      await queue
      await persistence.commitNow()
      persistence.close()
    },
  }
}
