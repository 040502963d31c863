import type { LoggedEvent } from '../../src/shared/events.ts'
import type { Platform } from '../base/platform.ts'
import { createCommitPace } from './commit-pace.ts'
import { createDatabase } from './database.ts'
import { createExpiry } from './expiry.ts'
import type { Ledger } from './ledger.ts'
import { mergeStored } from './merge-stored.ts'
import { oneRead } from './one-read.ts'
import { type RecordInfo, toRecords } from './record-index.ts'
import { type Commit, Fenced, type LogRecord, type LogStore, type Position } from './store.ts'
import { type Bounds, trimLedger } from './trim-ledger.ts'

/** What one commit wrote, for followers to keep the same account. */
export interface Committed {
  upTo: number
  records: RecordInfo[]
  /** seq of the oldest event left. */
  first: number
}

export interface PersistenceOptions {
  platform: Platform
  ledger: Ledger
  bounds: Bounds
  open(onLost: () => void): Promise<LogStore>
  /** Runs what changes the ledger, one after the other. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  /** Whether other hubs follow this one. */
  hasFollowers(): boolean
  onCommitted(committed: Committed): void
  /** Another leader took over: events that were delivered may be no part of the log any more. */
  onTruncate(): void
  /** A write was refused: there is another leader (L3). */
  onFenced(): void
  /** Sessions are to look again: the log may hold more or fewer events than they know of, or more is committed. */
  onFound(): void
  /** IndexedDB failed (`cause` says how), or is back (`null`). */
  onDurable(cause: string | null): void
}

/**
 * Keeps a log's ledger and its database in step (D2). If the database fails, the log goes on in memory until it is
 * back.
 */
export interface Persistence {
  /** Opens the database, and takes over what it holds. */
  load(): Promise<void>
  /** Somebody else knows where the log stood: `load` need not wait for a position that takes long to read. */
  hurry(): void
  /** Events have come. @param size in characters */
  appended(size: number): void
  /** Resolves once all that the log holds now is committed, or the commit has failed. */
  commitSoon(): Promise<void>
  /** Does what `commitSoon` does, without waiting for further events. */
  commitNow(): Promise<void>
  /** Brings the ledger back within its bounds (B2). */
  trim(): void
  /** More is committed than before, by this hub or by its leader. Whoever waits for a commit is told. */
  tellAwaited(): void
  /** Whether events reach IndexedDB. A follower only reads: whether commits succeed, its leader finds out. */
  isDurable(): boolean
  /** Brings the ledger in line with IndexedDB, if there is one. */
  sync(): Promise<void>
  /** The events after `seq` from IndexedDB, as many as one read takes, without holes. Empty: they are gone. */
  read(seq: number): Promise<LoggedEvent[]>
  close(): void
}

/** Makes the next commit of the ledger's uncommitted events, and marks them as under way. */
const takeCommit = (ledger: Ledger, bounds: Bounds): Omit<Commit, 'expected' | 'use'> => {
  const { trimBelow, cutAbove, isStrict } = ledger.touch()
  const records = toRecords(ledger.tail.since(ledger.takenUpTo), bounds)
  const position = { ...ledger.position }
  const newest = ledger.newest.take(trimBelow > 0 ? ledger.first() : 0)
  ledger.pending = null
  ledger.takenUpTo = position.head
  ledger.records.add(records)
  return { records, position, trimBelow, cutAbove, isStrict, newest }
}

/** Over 80 lines: taking over, committing and reading each may prove the one database good, or lose it. */
export const createPersistence = ({
  platform,
  ledger,
  bounds,
  open,
  inTurn,
  ...hooks
}: PersistenceOptions): Persistence => {
  /** What the database held when it was read last. */
  let lastRead: Position | undefined
  let hurry = () => {}
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve
  })

  const merge = (position: Position | undefined, records: LogRecord[], newest: LoggedEvent[]) => {
    const { isDeposed, isTaken } = mergeStored(ledger, position, records, newest)
    if (isDeposed) hooks.onFenced()
    if (!isTaken) return
    hooks.onTruncate()
    trim()
  }

  const takeOver = async (from: LogStore) => {
    const isFirst = ledger.alignedTerm === 0
    const readPosition = isFirst ? from.position().catch(() => undefined) : Promise.resolve(undefined)
    try {
      const { position, records, newest } = await database.limited(from.all())
      lastRead = position
      merge(position, records, newest)
    } catch (error) {
      // D6: a slow disk may need longer for the events than the limit. The position alone is little to read, and gets as
      // long again. A tab that knows where the log stood need not wait for that.
      const position = await Promise.race([readPosition, database.limited(hurried)]).catch(() => undefined)
      if (position && ledger.alignedTerm === 0) merge(position, [], [])
      throw error
    }
  }

  const database = createDatabase({
    platform,
    open,
    takeOver,
    onLost(cause) {
      ledger.records.clear()
      hooks.onDurable(cause)
    },
    onRetry: () => void reopen(),
  })

  const expiry = createExpiry({
    platform,
    age: bounds.age,
    // A record goes as a whole, once the newest of its events has expired.
    oldestAt: () =>
      ledger.isLeading ? ((ledger.records.oldest() ?? ledger.tail.at(ledger.first()))?.at ?? null) : null,
    expire() {
      trim()
      void pace.soon()
    },
  })
  const trim = () => {
    trimLedger(ledger, bounds, platform.now(), database.store() !== null)
    expiry.watch()
  }
  const isDurable = () => (ledger.isLeading ? database.isTrusted() : database.isRead())

  const tellAwaited = () => {
    if (!ledger.isCommitAwaited) return
    ledger.isCommitAwaited = false
    hooks.onFound()
  }

  const commit = async (): Promise<void> => {
    const into = database.store()!
    const given = takeCommit(ledger, bounds)
    try {
      const use = { at: platform.now(), age: bounds.age }
      await database.limited(into.commit({ ...given, expected: lastRead, use }))
    } catch (error) {
      if (!(error instanceof Fenced)) return database.lose(into, error)
      ledger.isLeading = false
      return hooks.onFenced()
    }
    // The database was lost meanwhile: `committedUpTo` speaks of another state by now.
    if (database.store() !== into) return
    if (database.prove()) hooks.onDurable(null)
    const upTo = given.position.head
    ledger.committedUpTo = Math.max(ledger.committedUpTo, upTo)
    const records = given.records.map(({ events: _, ...info }) => info)
    hooks.onCommitted({ upTo, records, first: ledger.first() })
    trim()
    tellAwaited()
  }

  const pace = createCommitPace({
    platform,
    hasFollowers: hooks.hasFollowers,
    canCommit: () => ledger.pending !== null && ledger.isLeading && database.isRead(),
    commit,
  })

  const reopen = async () => {
    await inTurn(database.load)
    if (database.store() === null) return
    ledger.touch()
    if (isDurable()) hooks.onDurable(null)
    void pace.soon()
  }

  return {
    load: database.load,
    hurry,
    appended: pace.appended,
    commitSoon: pace.soon,
    commitNow: pace.now,
    trim,
    tellAwaited,
    isDurable,
    async sync() {
      const from = database.store()
      if (from !== null) await takeOver(from).catch((error) => database.lose(from, error))
    },
    async read(seq) {
      const from = database.store()
      const span = ledger.records.span(seq)
      if (from === null || span === null) return []
      try {
        const found = await database.limited(from.range(span.from, span.to))
        const events = found.flatMap((record) => record.events)
        const index = events.findIndex((event) => event.seq > seq)
        if (events[index]?.seq === seq + 1) return oneRead(events, index)
        if (ledger.isLeading) throw new Error('IndexedDB lost committed events.')
        // A follower's ledger may be behind: the leader has trimmed, or committed events that it did not relay here.
        await takeOver(from)
        hooks.onFound()
      } catch (error) {
        database.lose(from, error)
      }
      return []
    },
    close() {
      expiry.close()
      database.close()
    },
  }
}
