import { formatEventId, parseEventId } from './event-id.ts'
import {
  type EventStore,
  type NewEvent,
  type Once,
  type Retention,
  tooManyTopics,
  usedForOthers,
} from './event-store.ts'
import { createWriter } from './lmdb-appends.ts'
import { maxKey, openDatabases } from './lmdb-databases.ts'
import { createReader } from './lmdb-reads.ts'
import { createWakeups } from './wakeups.ts'

export interface LmdbStoreOptions {
  dataDir: string
  retention: Retention
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

/** The embedded store: one LMDB file in `dataDir`, created if missing. */
export const openLmdbStore = (options: LmdbStoreOptions): EventStore => {
  const { dataDir, retention, random, now = Date.now } = options
  const databases = openDatabases(dataDir, now)
  const { root, topics, logs, meta, names } = databases
  if (meta.get('epoch') === undefined) meta.putSync('epoch', random(4).toString('hex'))
  const epoch = meta.get('epoch')!
  const writer = createWriter(databases, retention, now)
  const { last, read, lookup } = createReader(databases, epoch)
  const wakeups = createWakeups()
  let state: 'open' | 'closed' = 'open'

  // Where a read meets a close in progress, lmdb 3.5 throws from a timer, which ends the process.
  const assertOpen = () => {
    if (state === 'closed') throw new Error('The event store is closed')
  }

  const idsFrom = (start: number, count: number) =>
    Array.from({ length: count }, (_, index) => formatEventId(epoch, start + index))

  /** @param from place of the first event; `null`: the next one */
  const commit = async (
    account: string,
    events: readonly NewEvent[],
    once: Once | undefined,
    from: number | null,
  ) => {
    assertOpen()
    if (events.length === 0) return []
    const named = new Set(events.map(({ topic }) => topic))
    // Places are given inside the transaction: two appends at once can't take the same one.
    const outcome = await root.transaction(() => {
      const known = once && names.find(account, once)
      if (known)
        return known.digest === once.digest ? { state: 'known' as const, ...known } : 'used-for-others'
      if (from !== null && last() >= from) return 'passed'
      if (!writer.admit(account, named)) return 'too-many-topics'
      const appended = { start: from ?? last() + 1, count: events.length }
      writer.put(account, events, appended.start)
      if (once) names.remember(account, once, appended)
      return { state: 'appended' as const, ...appended }
    })
    if (outcome === 'used-for-others') throw usedForOthers()
    if (outcome === 'too-many-topics') throw tooManyTopics()
    if (outcome === 'passed') return
    if (outcome.state === 'appended') for (const topic of named) wakeups.wake(topic)
    return idsFrom(outcome.start, outcome.count)
  }

  return {
    append: async (account, events, once) => (await commit(account, events, once, null))!,
    appendAs: async (account, events, once) =>
      commit(account, events, once, events.length === 0 ? null : parseEventId(events[0]!.id)!.position),

    async idsAhead(count, lead) {
      assertOpen()
      return idsFrom(last() + 1 + lead, count)
    },

    async read(asked, limit) {
      assertOpen()
      return read(asked, limit)
    },

    async lookup(asked, id) {
      assertOpen()
      return asked.map((topic) => lookup(topic, id))
    },

    async head() {
      assertOpen()
      return formatEventId(epoch, last())
    },

    async bounds(topic) {
      assertOpen()
      const count = topics.get(topic)?.count ?? 0
      for (const { value } of logs.getRange({ start: [topic, 0], end: [topic, maxKey], limit: 1 }))
        return { first: value.position, last: count }
      return { first: count + 1, last: count }
    },

    subscribe: wakeups.subscribe,

    async check() {
      assertOpen()
      await meta.put('checked', new Date(now()).toISOString())
    },

    async close() {
      if (state === 'closed') return
      state = 'closed'
      await root.close()
    },
  }
}
