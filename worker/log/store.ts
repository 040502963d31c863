import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb'
import type { ClaimRecords } from '../../src/shared/claims.ts'
import type { TopicRecords } from '../../src/shared/control.ts'
import type { LoggedEvent, ResetReason } from '../../src/shared/events.ts'
import type { PackedEvents } from '../../src/shared/packed-events.ts'
import { pack, unpackEvents } from '../../src/shared/packed-events.ts'
import type { LeaderRecord } from '../../src/shared/protocol.ts'
import { kindOf, type NewestWrite } from './newest.ts'

/** What one commit writes: a record of many events is 8 to 60 times cheaper than a record an event. */
export interface LogRecord {
  /** seq of the first event: the key. */
  first: number
  last: number
  /** Characters, of ids, types and data. */
  size: number
  /** When its newest event was received, in ms since 1970. */
  at: number
  /** When its oldest event was. */
  oldestAt: number
  events: LoggedEvent[]
}

/** Where the log stands. The transaction that commits events commits their position as well (D2). */
export interface Position {
  /** Counts the leaders. The fencing token: a leader of an earlier term can no longer write (L3). */
  term: number
  /** The random id of that leader, since a leader that was robbed while it took over may have reached the same term. */
  leader: string
  /**
   * That leader and those before it, the newest at the end. What an earlier leader logged after the `startsAfter` of a
   * later one is no part of this log (L3).
   */
  leaders: LeaderRecord[]
  epoch: string
  /** seq of the newest event. */
  head: number
  /** What a resumption asks for. */
  lastEventId: string
  /** The epoch before this one, why it ended, and when (in ms since 1970). `null`: there was none. */
  previous: { epoch: string; reason: ResetReason; at: number } | null
  /** The head when the epoch began. */
  epochStart: number
  /** Sent as `Stream-Client`: tells the server that requests come from the same browser (R6). */
  streamClient: string
  /** The longest time between two signs of life of the server, in ms (S3). Left out: the server has shown no rhythm. */
  rhythm?: number | undefined
  /** The topics at `head` (R7). Left out: none was ever asked for. */
  topics?: TopicRecords | undefined
  /** The accounts of the claims, up to `head`. Left out: there was never a claim. */
  claims?: ClaimRecords | undefined
}

/**
 * A record as it is stored. A list of objects takes three times as many bytes, and the browser's process copies them.
 */
type StoredRecord = Omit<LogRecord, 'events'> & { events: PackedEvents }

const toStored = ({ events, ...info }: LogRecord): StoredRecord => ({ ...info, events: pack(events) })
const fromStored = ({ events, ...info }: StoredRecord): LogRecord => ({
  ...info,
  events: unpackEvents(events),
})

/** When a log was used last (B3). */
export interface LogUse {
  /** When its leader committed last, in ms since 1970. */
  at: number
  /** ms for which its events are kept (`log.age`). */
  age: number
}

interface Schema extends DBSchema {
  records: { key: number; value: StoredRecord }
  position: { key: 'position' | 'use'; value: Position | LogUse }
  /** By `kindOf`: events that the records have no more (ST3). */
  newest: { key: string; value: LoggedEvent }
}

export interface Commit {
  records: LogRecord[]
  position: Position
  /** Records whose key is below this are deleted. */
  trimBelow: number
  /** Records whose key is above this are deleted: a leader of an earlier term wrote them. `null`: none are. */
  cutAbove: number | null
  /** Resolves only once the disk has it: a crash of the operating system must not undo this commit (C2). */
  isStrict: boolean
  newest: NewestWrite
  /** What a new leader has read. Its first commit is refused if the stored position is another one by now. */
  expected: Position | undefined
  use: LogUse
}

/** The database refused a commit, since another leader has taken over (L3). Nothing was written. */
export class Fenced extends Error {
  override readonly name = 'Fenced'
}

export interface LogStore {
  /** The position alone: little to read, even for a slow disk. */
  position(): Promise<Position | undefined>
  /** The position, all records, and the events that outlived theirs, each in order. */
  all(): Promise<{ position: Position | undefined; records: LogRecord[]; newest: LoggedEvent[] }>
  /** The records whose keys lie in [from, to]. */
  range(from: number, to: number): Promise<LogRecord[]>
  /** @throws Fenced */
  commit(commit: Commit): Promise<void>
  close(): void
}

/** 2: there is `newest`. */
const VERSION = 2

/** The databases of this worker's origin. */
export interface LogDatabases {
  /** The names of all databases, logs or not. Firefox before 126 can't list databases, and gives none. */
  names(): Promise<string[]>
  /** When the log in a database was used last. `null`: the database is no log, or nothing was ever committed to it. */
  use(name: string): Promise<LogUse | null>
  /** Resolves once nobody has the database open any more, and it is gone (A4). */
  delete(name: string): Promise<void>
}

export const logDatabases: LogDatabases = {
  names: async () => ((await indexedDB.databases?.()) ?? []).flatMap(({ name }) => name ?? []),
  async use(name) {
    const db: IDBPDatabase<Schema> = await openDB<Schema>(name, undefined, {
      // The database was deleted meanwhile. Opening it must not create it again.
      upgrade(_, __, ___, transaction) {
        transaction.done.catch(() => {})
        transaction.abort()
      },
      blocking: () => db.close(),
    })
    const isLog = db.objectStoreNames.contains('position')
    const use = isLog ? ((await db.get('position', 'use')) as LogUse | undefined) : undefined
    db.close()
    return use ?? null
  },
  delete: (name) => deleteDB(name),
}

/**
 * The log's database.
 *
 * @param onLost the browser closed the connection: site data cleared, or a newer version wants to open
 * @throws DOMException what IndexedDB's open fails with
 */
export const openLogStore = async (name: string, onLost: () => void): Promise<LogStore> => {
  const db: IDBPDatabase<Schema> = await openDB<Schema>(name, VERSION, {
    upgrade(database, from) {
      if (from < 1) {
        database.createObjectStore('records', { keyPath: 'first' })
        database.createObjectStore('position')
      }
      database.createObjectStore('newest')
    },
    // Another context deletes or upgrades the database. An open connection would block that for as long as this
    // worker lives.
    blocking() {
      db.close()
      onLost()
    },
    terminated: onLost,
  })

  return {
    position: async () => (await db.get('position', 'position')) as Position | undefined,
    async all() {
      const tx = db.transaction(['records', 'position', 'newest'])
      const [position, records, newest] = await Promise.all([
        tx.objectStore('position').get('position'),
        tx.objectStore('records').getAll(),
        tx.objectStore('newest').getAll(),
      ])
      newest.sort((a, b) => a.seq - b.seq)
      return { position: position as Position | undefined, records: records.map(fromStored), newest }
    },
    range: async (from, to) => (await db.getAll('records', IDBKeyRange.bound(from, to))).map(fromStored),
    async commit({ records, position, trimBelow, cutAbove, isStrict, newest, expected, use }) {
      // With `relaxed`, a crash of the operating system may cost the newest commits, never their order. The server
      // then sends those events again. `strict` costs 1.6 times as much, and a resumption mends the same. What a handler
      // has done no resumption mends.
      const durability = isStrict ? 'strict' : 'relaxed'
      const tx = db.transaction(['records', 'position', 'newest'], 'readwrite', { durability })
      const store = tx.objectStore('records')
      const positions = tx.objectStore('position')
      const stored = (await positions.get('position')) as Position | undefined
      const { term } = stored ?? position
      const changed =
        stored?.leader !== position.leader && JSON.stringify(stored) !== JSON.stringify(expected)
      if (term > position.term || changed) {
        tx.abort()
        await tx.done.catch(() => {})
        throw new Fenced()
      }
      const writes: Promise<unknown>[] = [positions.put(position, 'position'), positions.put(use, 'use')]
      if (trimBelow > 0) writes.push(store.delete(IDBKeyRange.upperBound(trimBelow, true)))
      if (cutAbove !== null) writes.push(store.delete(IDBKeyRange.lowerBound(cutAbove, true)))
      for (const record of records) writes.push(store.put(toStored(record)))
      const outlived = tx.objectStore('newest')
      if (newest.clear) writes.push(outlived.clear())
      for (const kind of newest.drop) writes.push(outlived.delete(kind))
      for (const event of newest.put) writes.push(outlived.put(event, kindOf(event)))
      // All promises are awaited together, so that no failure is an unhandled rejection.
      await Promise.all([...writes, tx.done])
    },
    close: () => db.close(),
  }
}
