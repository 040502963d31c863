import type { EventStore, NewEvent } from '../store/event-store.ts'
import type { EventSigning } from './event-signing.ts'

export interface PublishedEvent {
  type: string
  /** Any JSON. */
  data?: unknown
  /** Instead of `data`: goes on the wire as it is, JSON or not, and is never signed. */
  raw?: string
  /** Default: the user to whom it is published. */
  owner?: string
}

export interface PublisherOptions {
  store: EventStore
  signing: EventSigning
  /** Types that are signed. */
  critical: readonly string[]
}

/**
 * Signs what is critical, and appends, in order and all or none.
 *
 * @param once names these events, as for `EventStore.append`
 * @returns the ids, once the store has them on disk
 */
export type Publish = (user: string, events: readonly PublishedEvent[], once?: string) => Promise<string[]>

/** The one way into the store: signs what is critical, under the id that it is going to have. */
export const createPublisher = ({ store, signing, critical }: PublisherOptions): Publish => {
  const queues = new Map<string, Promise<unknown>>()

  const toStored = async (user: string, event: PublishedEvent, id: string): Promise<NewEvent> => {
    const { type, data = null, raw, owner = user } = event
    if (raw === undefined && critical.includes(type))
      return { type, owner, signed: true, data: await signing.sign({ user, id, type, data }) }
    return { type, owner, data: raw ?? JSON.stringify(data) }
  }

  /** A signature takes the event's id, and time: whoever has appended meanwhile has taken that id. */
  const attempt = async (user: string, events: readonly PublishedEvent[], once?: string) => {
    for (;;) {
      const { end } = await store.bounds(user)
      const ids = store.idsAfter(end, events.length)
      const stored = events.map(async (event, index) => {
        const id = ids[index]!
        return { ...(await toStored(user, event, id)), id }
      })
      const appended = await store.appendAfter(user, end, await Promise.all(stored), once)
      if (appended) return appended
    }
  }

  return async (user, events, once) => {
    if (critical.length === 0)
      return store.append(user, await Promise.all(events.map((event) => toStored(user, event, ''))), once)
    // One at a time for each user, or many publishers at once would make each other sign again and again.
    const former = queues.get(user) ?? Promise.resolve()
    const turn = former.catch(() => {}).then(() => attempt(user, events, once))
    queues.set(user, turn)
    try {
      return await turn
    } finally {
      if (queues.get(user) === turn) queues.delete(user)
    }
  }
}
