import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { formatEventId, parseEventId } from './event-id.ts'
import {
  type EventStore,
  type NewEvent,
  type Once,
  onceFor,
  type StoredEvent,
  sizeOf,
  usedForOthers,
} from './event-store.ts'
import { createWakeups } from './wakeups.ts'

export interface LmdbStoreOptions {
  dataDir: string
  /** Events kept for each user; older ones are trimmed in the transaction that appends. */
  retention: number
  /** Bytes kept for each user (`sizeOf`). The oldest go; the newest event stays, whatever its size. Default: any. */
  maxBytes?: number
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

interface Named {
  start: number
  count: number
  /** Milliseconds since 1970. */
  until: number
  digest: string
}

/** Names that a user can have at a time. More can't come within their ten minutes, given the limit on publishing. */
const mostNames = 10_000

/** The names of appends. A second database has them in the order in which they end: nothing walks through all. */
const createNames = (root: RootDatabase, now: () => number) => {
  const named = root.openDB<Named, [user: string, name: string]>({ name: 'once' })
  const ends = root.openDB<true, [user: string, until: number, name: string]>({ name: 'once-ends' })
  const counts = root.openDB<number, string>({ name: 'once-counts' })

  return {
    /** The append of that name, unless it is forgotten. */
    find(user: string, { name }: Once): Named | undefined {
      const known = named.get([user, name])
      return known && known.until > now() ? known : undefined
    },

    /** Within a transaction. Forgets what has ended, and the oldest where there are too many. */
    remember(user: string, { name, digest }: Once, appended: { start: number; count: number }): void {
      const until = now() + onceFor
      let count = counts.get(user) ?? 0
      const oldest = ends.getKeys({ start: [user, 0, ''], end: [user, Number.MAX_SAFE_INTEGER, ''] })
      const over: [string, number, string][] = []
      for (const key of oldest) {
        if (key[1] > now() && count - over.length < mostNames) break
        over.push(key)
      }
      for (const key of over) {
        ends.remove(key)
        named.remove([user, key[2]])
      }
      count -= over.length
      named.put([user, name], { ...appended, until, digest })
      ends.put([user, until, name], true)
      counts.put(user, count + 1)
    },
  }
}

/** The embedded store: one LMDB file in `dataDir`, created if missing. */
export const openLmdbStore = (options: LmdbStoreOptions): EventStore => {
  const { dataDir, retention, maxBytes = Number.POSITIVE_INFINITY, random, now = Date.now } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Without overlappingSync the promise of a write waits for the disk, which is what `append` promises.
  const root = open({ path: join(dataDir, 'events.lmdb'), overlappingSync: false })
  const logs = root.openDB<NewEvent & { at: number }, [user: string, position: number]>({ name: 'events' })
  const users = root.openDB<{ first: number; last: number; bytes: number }, string>({ name: 'users' })
  const meta = root.openDB<string, string>({ name: 'meta' })
  const names = createNames(root, now)
  const wakeups = createWakeups()

  if (meta.get('epoch') === undefined) meta.putSync('epoch', random(4).toString('hex'))
  const epoch = meta.get('epoch')!
  let state: 'open' | 'closed' = 'open'

  // Where a read meets a close in progress, lmdb 3.5 throws from a timer, which ends the process.
  const assertOpen = () => {
    if (state === 'closed') throw new Error('The event store is closed')
  }

  const boundsOf = (user: string) => users.get(user) ?? { first: 1, last: 0, bytes: 0 }

  const lookup = (user: string, id: string) => {
    const place = parseEventId(id)
    const { first, last } = boundsOf(user)
    if (place?.epoch !== epoch || place.stamp !== undefined || place.position > last) return 'unknown'
    return place.position >= first - 1 ? 'known' : 'trimmed'
  }

  const idsFrom = (start: number, count: number) =>
    Array.from({ length: count }, (_, index) => formatEventId(epoch, start + index))

  /** Within a transaction: puts the events behind the last one, and trims what is too old or too much. */
  const put = (user: string, events: readonly NewEvent[], sizes: readonly number[]) => {
    const { first, last, bytes: before } = boundsOf(user)
    const newest = last + events.length
    let bytes = sizes.reduce((sum, size) => sum + size, before)
    let oldest = first
    for (; oldest < newest && (newest - oldest >= retention || bytes > maxBytes); oldest++) {
      if (oldest > last) bytes -= sizes[oldest - last - 1]!
      else {
        bytes -= sizeOf(logs.get([user, oldest])!)
        logs.remove([user, oldest])
      }
    }
    const at = now()
    events.forEach(({ type, data, owner, signed }, index) => {
      const position = last + 1 + index
      const event = { type, data, owner, at, ...(signed ? { signed } : {}) }
      if (position >= oldest) logs.put([user, position], event)
    })
    users.put(user, { first: oldest, last: newest, bytes })
    return last + 1
  }

  const commit = async (user: string, events: readonly NewEvent[], once?: Once, expected?: number) => {
    assertOpen()
    if (events.length === 0) return []
    const sizes = events.map(sizeOf)
    // Positions are given inside the transaction: two appends at once can't take the same one.
    const outcome = await root.transaction(() => {
      const known = once && names.find(user, once)
      if (known)
        return known.digest === once.digest ? { state: 'known' as const, ...known } : 'used-for-others'
      if (expected !== undefined && boundsOf(user).last !== expected) return 'moved-on'
      const appended = { start: put(user, events, sizes), count: events.length }
      if (once) names.remember(user, once, appended)
      return { state: 'appended' as const, ...appended }
    })
    if (outcome === 'used-for-others') throw usedForOthers()
    if (outcome === 'moved-on') return
    if (outcome.state === 'appended') wakeups.wake(user)
    return idsFrom(outcome.start, outcome.count)
  }

  return {
    append: async (user, events, once) => (await commit(user, events, once))!,
    appendAfter: async (user, end, events, once) => commit(user, events, once, parseEventId(end)!.position),
    idsAfter: (end, count) => idsFrom(parseEventId(end)!.position + 1, count),

    async readAfter(user, id, limit) {
      assertOpen()
      if (id !== null && lookup(user, id) !== 'known') return
      const position = id === null ? 0 : parseEventId(id)!.position
      const events: StoredEvent[] = []
      let characters = 0
      const range = logs.getRange({
        start: [user, position + 1],
        end: [user, Number.MAX_SAFE_INTEGER],
        limit: limit.events,
      })
      for (const { key, value } of range) {
        events.push({ ...value, position: key[1], id: formatEventId(epoch, key[1]) })
        characters += value.data.length
        if (characters >= limit.characters) break
      }
      return events
    },

    async lookup(user, id) {
      assertOpen()
      return lookup(user, id)
    },

    async bounds(user) {
      assertOpen()
      const { first, last } = boundsOf(user)
      return { first, last, end: formatEventId(epoch, last) }
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
