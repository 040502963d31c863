import type { EventStore, Read, ReadLimit } from '../store/event-store.ts'

/** Bounds what one feed can hold in memory. */
const batchLimit: ReadLimit = { events: 256, characters: 128 * 1024 }

export interface Feed {
  /**
   * The next read behind `id` in all topics of the feed; the same one for all who ask for the same. Not as a promise once it
   * is there: of ten thousand streams each would wait for its turn.
   *
   * @param begins topics whose reader begins behind another id
   */
  readAfter(id: string, begins: ReadonlyMap<string, string>): Read | Promise<Read>
  /** A read that is this many milliseconds old, or older, is not the answer to the next one. */
  expire(age: number): void
  leave(): void
}

export interface Feeds {
  /** @param wake there may be more to read */
  join(topics: readonly string[], wake: () => void): Feed
}

interface Shared {
  topics: readonly string[]
  listeners: Set<() => void>
  last: { id: string; at: number; read: Read | Promise<Read> } | undefined
  unsubscribe: () => void
}

/**
 * What the streams of a node share that have the same topics: one subscription, and one read of the store where they are at
 * the same place, which is where streams that are up to date are. Holds one read at most, whatever clients do.
 */
export const createFeeds = (store: EventStore, clock = () => performance.now()): Feeds => {
  const feeds = new Map<string, Shared>()

  const open = (key: string, topics: readonly string[]): Shared => {
    const shared: Shared = { topics, listeners: new Set(), last: undefined, unsubscribe: () => {} }
    feeds.set(key, shared)
    const nextRead = () => shared.last?.read
    shared.unsubscribe = store.subscribe(topics, async () => {
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

  const read = (topics: readonly string[], id: string, begins?: ReadonlyMap<string, string>) =>
    store.read(
      topics.map((topic) => ({ topic, after: begins?.get(topic) ?? id })),
      batchLimit,
    )

  return {
    join(topics, wake) {
      const sorted = topics.toSorted()
      const key = JSON.stringify(sorted)
      const shared = feeds.get(key) ?? open(key, sorted)
      shared.listeners.add(wake)
      return {
        readAfter(id, begins) {
          if (begins.size > 0) return read(shared.topics, id, begins)
          if (shared.last?.id === id) return shared.last.read
          const under = read(shared.topics, id)
          const last: Shared['last'] = { id, at: clock(), read: under }
          shared.last = last
          under.then(
            (there) => {
              last.read = there
            },
            // A failure is nobody else's answer.
            () => {
              if (shared.last === last) shared.last = undefined
            },
          )
          return under
        },
        expire(age) {
          if (shared.last && clock() - shared.last.at >= age) shared.last = undefined
        },
        leave() {
          if (!shared.listeners.delete(wake) || shared.listeners.size > 0) return
          if (feeds.get(key) === shared) feeds.delete(key)
          shared.unsubscribe()
        },
      }
    },
  }
}
