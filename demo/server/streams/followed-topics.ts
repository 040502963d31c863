import type { Read } from '../store/event-store.ts'
import type { Feed, Feeds } from './feeds.ts'

/** What becomes of a stream's topics, told by one marker (R7). */
export interface TopicChange {
  /** Of the set that the client has asked for last; 0: by the request for the stream. */
  rev: number
  joined: readonly string[]
  left: readonly string[]
  /** By topic, as R7 has them. */
  statuses: Readonly<Record<string, number>>
}

export interface FollowedTopicsOptions {
  feeds: Feeds
  /** The topic that the stream has without asking. */
  own: string
  /** Null: no topic was asked for. */
  asked: readonly string[] | null
  begins: ReadonlyMap<string, string>
  wake: () => void
}

/** Which topics one stream reads, and from where. */
export interface FollowedTopics {
  /** Whether the client has ever asked for topics: only then it is told of them. */
  isAsking(): boolean
  has(topic: string): boolean
  /** The own topic, if the client has not asked for it: its events do not name it. */
  unnamed(): string | null
  readAfter(id: string): Read | Promise<Read>
  expire(age: number): void
  /** All topics were read up to the same place. */
  level(): void
  /** A topic goes on behind this id: what is before is lost. */
  beginAt(topic: string, id: string): void
  /** At once, before the client is told. */
  drop(topics: readonly string[]): void
  apply(change: TopicChange): void
  leave(): void
}

export const followTopics = (options: FollowedTopicsOptions): FollowedTopics => {
  const { feeds, own, wake } = options
  const asked = new Set(options.asked)
  const begins = new Map(options.begins)
  let isAsking = options.asked !== null
  const join = (): Feed => feeds.join([...new Set([own, ...asked])], wake)
  let feed = join()

  const follow = () => {
    const former = feed
    // First the new one: what is in both stays subscribed to.
    feed = join()
    former.leave()
  }

  const drop = (topics: readonly string[]) => {
    for (const topic of topics) {
      asked.delete(topic)
      begins.delete(topic)
    }
  }

  return {
    isAsking: () => isAsking,
    has: (topic) => topic === own || asked.has(topic),
    unnamed: () => (asked.has(own) ? null : own),
    readAfter: (id) => feed.readAfter(id, begins),
    expire: (age) => feed.expire(age),
    level: () => begins.clear(),
    beginAt: (topic, id) => void begins.set(topic, id),
    drop(topics) {
      drop(topics)
      follow()
    },
    apply({ joined, left }) {
      isAsking = true
      drop(left)
      for (const topic of joined) asked.add(topic)
      follow()
    },
    leave: () => feed.leave(),
  }
}
