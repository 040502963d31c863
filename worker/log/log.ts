import type { ClaimRecords } from '../../src/shared/claims.ts'
import type { Cursor, From, LoggedEvent } from '../../src/shared/events.ts'
import type { Lineage, Place } from '../../src/shared/protocol.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import { type ClaimAccounts, createClaimAccounts } from './claim-accounts.ts'
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
  /** The head before the append. */
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
  /** Whether other hubs follow this one: their tabs may wait for a commit. */
  hasFollowers(): boolean
  /** There are events to deliver, or another epoch. @param appended what this hub has added as leader, or `null` */
  onChange(appended: Appended | null): void
  onCommitted(committed: Committed): void
  /** As leader, this hub has changed accounts of claims. */
  onClaims(claims: ClaimRecords): void
  /** Another leader took over: what was delivered before may be no part of the log any more (lineage.ts). */
  onTruncate(): void
  /** A write was refused: there is another leader (L3). */
  onFenced(): void
  /** IndexedDB failed (`cause` says how), or is back (`null`). */
  onDurable(cause: string | null): void
}

/**
 * The events of a stream, in order: the newest in memory, and all of them in IndexedDB a moment later (D2). This wing
 * knows nothing of ports and sessions.
 *
 * - `TermClaim`: how a hub becomes the log's leader, and ceases to be.
 * - `Writer`: what the hub that leads does with the log.
 * - `Replica`: what a hub that follows does with the log.
 * - `ClaimAccounts`: which of the events are handled that tabs claim.
 * - `ledger.ts` is the log's state, `persistence.ts` keeps its database in step.
 */
export interface Log extends TermClaim, Writer, Replica, ClaimAccounts {
  /** Resolves once the log has a position: the one in IndexedDB, or a new one. */
  ready: Promise<void>
  /** A tab comes that can tell where the log stood (`recall`): `ready` need not wait for a slow disk as long as for none. */
  hurry(): void
  position(): Readonly<Position>
  epoch(): string
  /** The place of `seq` in this log. Default: the head's. */
  place(seq?: number): Place
  /** What a tab is told of the log when its cursor comes to `seq`. Default: the head. */
  lineage(seq?: number): Lineage
  /** What locate-tab.ts needs to know of the log. */
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
  /** The events after `seq`, as many as one read takes, in order and without holes. Empty: there are none any more. */
  read(seq: number): LoggedEvent[] | Promise<LoggedEvent[]>
  /** The newest event of this topic and type, whether or not the log still has it (ST3). `null`: none, or forgotten. */
  newest(topic: string | null, type: string): LoggedEvent | null
  /** The newest event of each topic and type, of those that the log has trimmed, the oldest first. */
  outlived(): LoggedEvent[]
  /** A tab or another hub tells where the log stood (recall.ts). */
  recall(point: LogPoint): void
  /** Lets an empty log begin after the event with this id (start-cursor.ts). @returns whether the log does so */
  beginAfter(id: string): boolean
  /** Where a tab starts that has no cursor (start-cursor.ts). @param since default: after all that the log holds */
  start(from: From, since?: number): Cursor | null
  /** Commits at once, if there is anything to commit. `onChange` tells when more is committed. */
  awaitCommit(): void
  /** Commits all that is not committed yet. */
  flush(): Promise<void>
  /** Closes the log without a commit: it is about to be deleted (A4). */
  discard(): void
  /** Commits all that is not committed yet, and closes the log. */
  close(): Promise<void>
}

export const createLog = ({ platform, open, bounds, dedupe, metrics, ...hooks }: LogOptions): Log => {
  const ledger = createLedger(platform, bounds.newest)
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
      // Less may be left to read now, or another hub's log: sessions have to look again.
      hooks.onChange(null)
    },
  })
  const ready = inTurn(persistence.load)

  const read = (seq: number): LoggedEvent[] | Promise<LoggedEvent[]> =>
    seq >= (tail.first() ?? ledger.position.head + 1) - 1 ? tail.after(seq) : persistence.read(seq)

  const { onChange, onTruncate } = hooks
  const awaitCommit = () => {
    ledger.isCommitAwaited = true
    void persistence.commitNow()
  }
  const core: LogCore = {
    platform,
    ledger,
    persistence,
    metrics,
    inTurn,
    read,
    awaitCommit,
    onChange,
    onTruncate,
  }

  return {
    ...createTermClaim(core),
    ...createWriter(core, dedupe),
    ...createReplica(core),
    ...createClaimAccounts(core, hooks.onClaims),
    ready,
    hurry: persistence.hurry,
    position: () => ledger.position,
    epoch: () => ledger.position.epoch,
    place(seq = ledger.position.head) {
      const { epoch, leader } = ledger.position
      return { epoch, seq, leader: leader || null }
    },
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
    newest: ledger.newest.of,
    outlived: () => ledger.newest.before(ledger.first()),
    recall: (point) => recall(ledger, point),
    beginAfter: (id) => beginAfter(ledger, id),
    start: (from, since = Number.POSITIVE_INFINITY) => startCursor(ledger, from, since, platform.now()),
    awaitCommit,
    flush: () => inTurn(persistence.commitNow),
    discard: persistence.close,
    async close() {
      await queue
      await persistence.commitNow()
      persistence.close()
    },
  }
}
