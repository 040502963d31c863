import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { formatEventId, parseEventId } from './event-id.ts'
import { type EventStore, type NewEvent, onceFor, type StoredEvent } from './event-store.ts'
import { createWakeups } from './wakeups.ts'

export interface LmdbStoreOptions {
  dataDir: string
  /** Events kept for each user; older ones are trimmed in the transaction that appends. */
  retention: number
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

interface Named {
  start: number
  count: number
  until: number
}

/** The embedded store: one LMDB file in `dataDir`, created if missing. */
export const openLmdbStore = ({
  dataDir,
  retention,
  random,
  now = Date.now,
}: LmdbStoreOptions): EventStore => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Without overlappingSync the promise of a write waits for the disk, which is what `append` promises.
  const root = open({ path: join(dataDir, 'events.lmdb'), overlappingSync: false })
  const logs = root.openDB<NewEvent & { at: number }, [user: string, position: number]>({ name: 'events' })
  const users = root.openDB<{ first: number; last: number }, string>({ name: 'users' })
  const named = root.openDB<Named, [user: string, once: string]>({ name: 'once' })
  const meta = root.openDB<string, string>({ name: 'meta' })
  const wakeups = createWakeups()

  if (meta.get('epoch') === undefined) meta.putSync('epoch', random(4).toString('hex'))
  const epoch = meta.get('epoch')!
  let state: 'open' | 'closed' = 'open'

  // Where a read meets a close in progress, lmdb 3.5 throws from a timer, which ends the process.
  const assertOpen = () => {
    if (state === 'closed') throw new Error('The event store is closed')
  }

  const boundsOf = (user: string) => users.get(user) ?? { first: 1, last: 0 }

  const lookup = (user: string, id: string) => {
    const place = parseEventId(id)
    const { first, last } = boundsOf(user)
    if (place?.epoch !== epoch || place.stamp !== undefined || place.position > last) return 'unknown'
    return place.position >= first - 1 ? 'known' : 'trimmed'
  }

  const idsFrom = (start: number, count: number) =>
    Array.from({ length: count }, (_, index) => formatEventId(epoch, start + index))

  const remember = (user: string, once: string, entry: Named) => {
    for (const { key, value } of [...named.getRange({ start: [user, ''], end: [user, '\uffff'] })])
      if (value.until <= now()) named.remove(key)
    named.put([user, once], entry)
  }

  const commit = async (user: string, events: readonly NewEvent[], once?: string, expected?: number) => {
    assertOpen()
    if (events.length === 0) return []
    let appended = false
    // Positions are given inside the transaction: two appends at once can't take the same one.
    const start = await root.transaction(() => {
      const known = once === undefined ? undefined : named.get([user, once])
      if (known && known.until > now()) return known.start
      const { first, last } = boundsOf(user)
      if (expected !== undefined && last !== expected) return
      appended = true
      const newest = last + events.length
      const oldest = Math.max(first, newest - retention + 1)
      for (let position = first; position < Math.min(oldest, last + 1); position++) {
        logs.remove([user, position])
      }
      const at = now()
      events.forEach(({ type, data, owner, signed }, index) => {
        const position = last + 1 + index
        const event = { type, data, owner, at, ...(signed ? { signed } : {}) }
        if (position >= oldest) logs.put([user, position], event)
      })
      users.put(user, { first: oldest, last: newest })
      if (once !== undefined)
        remember(user, once, { start: last + 1, count: events.length, until: now() + onceFor })
      return last + 1
    })
    if (start === undefined) return
    if (appended) wakeups.wake(user)
    return idsFrom(start, events.length)
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

    async close() {
      if (state === 'closed') return
      state = 'closed'
      await root.close()
    },
  }
}
