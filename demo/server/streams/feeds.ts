import type { EventStore, ReadLimit, StoredEvent } from '../store/event-store.ts'

/** Bounds what one feed can hold in memory. */
const batchLimit: ReadLimit = { events: 256, characters: 128 * 1024 }

export interface Batch {
  /** As `EventStore.readAfter` has them. */
  events: readonly StoredEvent[] | undefined
  /** The read was full: there may be more behind them. Otherwise a wake-up tells. */
  more: boolean
}

export interface Feed {
  /**
   * The next batch behind `id`; the same one for all who ask for the same. Not as a promise once it is there: of ten
   * thousand streams each would wait for its turn.
   */
  readAfter(id: string): Batch | Promise<Batch>
  /** A batch that is older than this many milliseconds is not the answer to the next read. */
  expire(age: number): void
  leave(): void
}

export interface Feeds {
  /** @param wake there may be more to read */
  join(user: string, wake: () => void): Feed
}

const toBatch = (events: StoredEvent[] | undefined): Batch => {
  const characters = events?.reduce((sum, { data }) => sum + data.length, 0) ?? 0
  return {
    events,
    more: (events?.length ?? 0) >= batchLimit.events || characters >= batchLimit.characters,
  }
}

interface Shared {
  listeners: Set<() => void>
  last: { id: string; at: number; batch: Batch | Promise<Batch> } | undefined
  unsubscribe: () => void
}

/**
 * What the streams of a user share on a node: one subscription, and one read of the store where they are at the same
 * place, which is where streams that are up to date are. Holds one batch at most, whatever clients do.
 */
export const createFeeds = (store: EventStore, clock = () => performance.now()): Feeds => {
  const feeds = new Map<string, Shared>()

  const open = (user: string): Shared => {
    const shared: Shared = { listeners: new Set(), last: undefined, unsubscribe: () => {} }
    feeds.set(user, shared)
    const nextRead = () => shared.last?.batch
    shared.unsubscribe = store.subscribe(user, async () => {
      shared.last = undefined
      const [first, ...others] = shared.listeners
      first?.()
      // Who reads first reads for all that are at the same place, who then take its batch without a promise each. What
      // it could not read is its own affair.
      await Promise.resolve(nextRead()).catch(() => {})
      for (const wake of others) wake()
    })
    return shared
  }

  return {
    join(user, wake) {
      const shared = feeds.get(user) ?? open(user)
      shared.listeners.add(wake)
      return {
        readAfter(id) {
          if (shared.last?.id === id) return shared.last.batch
          const batch = store.readAfter(user, id, batchLimit).then(toBatch)
          const last: Shared['last'] = { id, at: clock(), batch }
          shared.last = last
          batch.then(
            (there) => {
              last.batch = there
            },
            // A failure is nobody else's answer.
            () => {
              if (shared.last === last) shared.last = undefined
            },
          )
          return batch
        },
        expire(age) {
          if (shared.last && clock() - shared.last.at > age) shared.last = undefined
        },
        leave() {
          if (!shared.listeners.delete(wake) || shared.listeners.size > 0) return
          if (feeds.get(user) === shared) feeds.delete(user)
          shared.unsubscribe()
        },
      }
    },
  }
}
