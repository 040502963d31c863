import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { NewEvent } from './event-store.ts'
import { createNames } from './lmdb-once.ts'

/** An event in the log of its topic. */
export interface Entry extends Omit<NewEvent, 'topic'> {
  at: number
  /** The n-th event of its topic. */
  position: number
  /** Place of the topic's event before this one, kept or not; 0: this is the first. It proves that nothing is missing. */
  former: number
}

interface TopicRecord {
  /** Place of its newest event. */
  last: number
  /** Events ever. */
  count: number
  /** Events kept. */
  kept: number
}

interface AccountRecord {
  bytes: number
  events: number
}

/** Behind every place. */
export const maxKey = Number.MAX_SAFE_INTEGER

/*
 * A place is a number of the one order. It counts up over all topics. `logs` has the events by topic and place. All is in one
 * file, and each append in one transaction.
 */
export const openDatabases = (dataDir: string, now: () => number) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Without overlappingSync the promise of a write waits for the disk, which is what `append` promises.
  const root = open({ path: join(dataDir, 'events.lmdb'), overlappingSync: false, maxDbs: 32 })
  return {
    root,
    logs: root.openDB<Entry, [topic: string, place: number]>({ name: 'logs' }),
    topics: root.openDB<TopicRecord, string>({ name: 'topics' }),
    /** The topics by their newest event. */
    quiet: root.openDB<string, number>({ name: 'quiet-topics' }),
    accounts: root.openDB<AccountRecord, string>({ name: 'accounts' }),
    /** What an account has appended, by append: the topic and the size of each event. The key has the first one's place. */
    spent: root.openDB<[topic: string, size: number][], [account: string, place: number]>({ name: 'spent' }),
    /** Since when it counts that an account appends to a topic, and the other way round. */
    today: root.openDB<number, [account: string, topic: string]>({ name: 'topics-of-accounts' }),
    days: root.openDB<true, [account: string, at: number, topic: string]>({ name: 'days-of-topics' }),
    /** `last`: the end of the order. `floor`: topics that are forgotten had no event behind it. `topics`: how many there are. */
    places: root.openDB<number, 'last' | 'floor' | 'topics'>({ name: 'places' }),
    meta: root.openDB<string, string>({ name: 'meta' }),
    names: createNames(root, now),
  }
}

export type Databases = ReturnType<typeof openDatabases>
