import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb'
import type { LoggedEvent, ResetReason } from '../../src/shared/events.ts'
import type { PackedEvents } from '../../src/shared/packed-events.ts'
import { pack, unpackEvents } from '../../src/shared/packed-events.ts'
import type { LeaderRecord } from '../../src/shared/protocol.ts'

/** One record a batch: 8 to 60 times cheaper than one an event. */
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

/** Where the log stands. Committed in the transaction of the events it speaks of (D2). */
export interface Position {
  /** Counts the leaders. The fencing token: a leader of an earlier term can no longer write (L3). */
  term: number
  /** The random id of that leader: one that was robbed while it took over may have counted to the same term. */
  leader: string
  /**
   * It and the leaders before it, the newest at the end: what one's log had beyond the base of a later one is no
   * part of this log (L3).
   */
  leaders: LeaderRecord[]
  epoch: string
  /** seq of the newest event. */
  head: number
  /** What a resumption asks for. */
  lastEventId: string
  /** The epoch before, why it ended, and when, in ms since 1970. */
  previous: { epoch: string; reason: ResetReason; at: number } | null
  /** head when the epoch began. */
  epochStart: number
  /** Sent as `Stream-Client`: this browser, to the server (R6). */
  streamClient: string
  /** The longest time between two signs of life of the server, in ms (S3). Left out: it has shown no rhythm. */
  rhythm?: number | undefined
}

/** As it is stored: a list of objects is three times as many bytes, all of which the browser's process copies too. */
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
}

export interface Commit {
  records: LogRecord[]
  position: Position
  /** Records whose key is below this are deleted. */
  trimBelow: number
  /** So are those above this: what a leader of an earlier term still wrote. `null`: none. */
  cutAbove: number | null
  /** What a leader's first write is made over: has anybody written since, it is refused. */
  expected: Position | undefined
  use: LogUse
}

/** Another leader has taken over: nothing was written (L3). */
export class Fenced extends Error {
  override readonly name = 'Fenced'
}

export interface LogStore {
  /** The position alone: little to read, even for a slow disk. */
  position(): Promise<Position | undefined>
  /** The position and all records, in order. */
  all(): Promise<{ position: Position | undefined; records: LogRecord[] }>
  /** The records whose keys lie in [from, to]. */
  range(from: number, to: number): Promise<LogRecord[]>
  /** @throws Fenced */
  commit(commit: Commit): Promise<void>
  close(): void
}

const VERSION = 1

/** The databases of this worker's origin. */
export interface LogDatabases {
  /** The names of all, logs or not. Firefox before 126 has no list of them: none is found there. */
  names(): Promise<string[]>
  /** When the log in a database was used last; `null`: it is none, or nothing was ever committed to it. */
  use(name: string): Promise<LogUse | null>
  /** Resolves once nobody has it open any more, and it is gone (A4). */
  delete(name: string): Promise<void>
}

export const logDatabases: LogDatabases = {
  names: async () => ((await indexedDB.databases?.()) ?? []).flatMap(({ name }) => name ?? []),
  async use(name) {
    const db: IDBPDatabase<Schema> = await openDB<Schema>(name, undefined, {
      // It is gone meanwhile, and not to be made anew.
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
    upgrade(database) {
      database.createObjectStore('records', { keyPath: 'first' })
      database.createObjectStore('position')
    },
    // Another context deletes or upgrades: to hold on would block it for as long as this worker lives.
    blocking() {
      db.close()
      onLost()
    },
    terminated: onLost,
  })

  return {
    position: async () => (await db.get('position', 'position')) as Position | undefined,
    async all() {
      const tx = db.transaction(['records', 'position'])
      const [position, records] = await Promise.all([
        tx.objectStore('position').get('position'),
        tx.objectStore('records').getAll(),
      ])
      return { position: position as Position | undefined, records: records.map(fromStored) }
    },
    range: async (from, to) => (await db.getAll('records', IDBKeyRange.bound(from, to))).map(fromStored),
    async commit({ records, position, trimBelow, cutAbove, expected, use }) {
      // `relaxed`: an operating system's crash may cost the newest commits, never their order; the server
      // then sends them again. `strict` costs 1.6 times as much for nothing that a resumption cannot mend.
      const tx = db.transaction(['records', 'position'], 'readwrite', { durability: 'relaxed' })
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
      // Every promise is awaited, so that a failure rejects here and nowhere else.
      await Promise.all([...writes, tx.done])
    },
    close: () => db.close(),
  }
}
