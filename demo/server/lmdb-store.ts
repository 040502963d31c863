import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { formatEventId } from './event-id.ts'
import type { EventStore, NewEvent, StoredEvent } from './store.ts'
import { createWakeups } from './wakeups.ts'

export interface LmdbStoreOptions {
  dataDir: string
  /** Events kept for each user; older ones are trimmed in the transaction that appends. */
  retention: number
  random: (bytes: number) => Buffer
}

/** The embedded store: one LMDB file in `dataDir`, created if missing. */
export const openLmdbStore = ({ dataDir, retention, random }: LmdbStoreOptions): EventStore => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Without overlappingSync the promise of a write waits for the disk, which is what `append` promises.
  const root = open({ path: join(dataDir, 'events.lmdb'), overlappingSync: false })
  const logs = root.openDB<NewEvent, [user: string, position: number]>({ name: 'events' })
  const users = root.openDB<{ first: number; last: number }, string>({ name: 'users' })
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

  const commit = async (user: string, events: readonly NewEvent[], expected?: number) => {
    assertOpen()
    if (events.length === 0) return []
    // Positions are given inside the transaction: two appends at once can't take the same one.
    const start = await root.transaction(() => {
      const { first, last } = boundsOf(user)
      if (expected !== undefined && last !== expected) return
      const newest = last + events.length
      const oldest = Math.max(first, newest - retention + 1)
      for (let position = first; position < Math.min(oldest, last + 1); position++) {
        logs.remove([user, position])
      }
      events.forEach((event, index) => {
        const position = last + 1 + index
        if (position >= oldest) logs.put([user, position], event)
      })
      users.put(user, { first: oldest, last: newest })
      return last + 1
    })
    if (start === undefined) return
    wakeups.wake(user)
    return events.map((_, index) => formatEventId(epoch, start + index))
  }

  return {
    epoch,
    append: async (user, events) => (await commit(user, events))!,
    appendAfter: (user, last, events) => commit(user, events, last),

    async readAfter(user, position, limit) {
      assertOpen()
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

    async bounds(user) {
      assertOpen()
      return boundsOf(user)
    },

    subscribe: wakeups.subscribe,

    async close() {
      if (state === 'closed') return
      state = 'closed'
      await root.close()
    },
  }
}
