/**
 * Where events are kept. One ordered log a user; the place in it is a number that counts up by one.
 * Nothing here knows of HTTP or of an embedded engine: several nodes can share a log behind the same interface.
 */

export interface NewEvent {
  type: string
  /** The payload as it goes on the wire: JSON text, except where a debug endpoint stores something broken. */
  data: string
  /** Whose it is: the user whose log it is in, or somebody who shares something with that user. */
  owner: string
  /** `data` is a compact JWS (event-signing.ts). */
  signed?: true
}

export interface StoredEvent extends NewEvent {
  position: number
  id: string
}

export interface ReadLimit {
  /** At most this many events. */
  events: number
  /** Stop behind the event that brings the sum of payloads to this many characters. At least one is read. */
  characters: number
}

export interface EventStore {
  /** Identity of the store, 8 hex digits: ids of a wiped store are told from ids that were merely trimmed. */
  readonly epoch: string
  /**
   * Appends in order and in one transaction; resolves with the ids once that is committed, so an id that a
   * publisher has seen survives a crash. Wakes the user's subscribers afterwards, never before.
   */
  append(user: string, events: readonly NewEvent[]): Promise<string[]>
  /** The same, but only if `last` is still the user's newest position. Otherwise undefined, and nothing is done. */
  appendAfter(user: string, last: number, events: readonly NewEvent[]): Promise<string[] | undefined>
  /**
   * The events behind `position`, oldest first. Where some were trimmed the first one's position is greater
   * than `position + 1`: the caller has to look, since the store can't know what the caller has sent.
   */
  readAfter(user: string, position: number, limit: ReadLimit): Promise<StoredEvent[]>
  /** Positions of the oldest event kept and of the newest ever appended. An empty log: `first` is `last + 1`. */
  bounds(user: string): Promise<{ first: number; last: number }>
  /** Calls `wake` after each append for the user: a hint, without events, to read on. Returns the unsubscribe. */
  subscribe(user: string, wake: () => void): () => void
  close(): Promise<void>
}

/** A user's whole log in small reads: what one caller holds in memory doesn't depend on its length. */
export async function* readAll(store: EventStore, user: string): AsyncGenerator<StoredEvent> {
  const { first, last } = await store.bounds(user)
  let position = first - 1
  while (position < last) {
    const events = await store.readAfter(user, position, { events: 256, characters: 256 * 1024 })
    yield* events
    position = events.at(-1)?.position ?? last
  }
}
