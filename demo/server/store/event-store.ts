import { refusal } from '../http/problem.ts'

/**
 * Where events are kept: one order, and in it the log of each topic. Nothing here knows of HTTP or of an engine:
 * lmdb-event-store.ts is one file on one machine, redis-event-store.ts is shared by nodes. An id names a place in the one
 * order, whatever the topic of the event that is there. It is opaque to everybody but the store that made it (R1: ASCII, at
 * most 64 bytes).
 */

export interface NewEvent {
  topic: string
  type: string
  /** The payload as it goes on the wire: JSON text, except where a debug endpoint stores something broken. */
  data: string
  /** Whose it is: the user who published it, or whom it was published for. */
  owner: string
  /** `data` is a compact JWS (event-signing.ts). */
  signed?: true
}

export interface StoredEvent extends NewEvent {
  /** The place in the topic's log: counts up by one. */
  position: number
  id: string
  /** When it was appended, by the store's clock: milliseconds since 1970. */
  at: number
}

export interface ReadLimit {
  /** At most this many events. */
  events: number
  /** Stop behind the event that brings the sum of payloads to this many characters. At least one is read. */
  characters: number
}

/** Where a reader stands in one topic. */
export interface Place {
  topic: string
  /** The id behind which to read. `null`: from the oldest event that is kept. */
  after: string | null
  /** What is missing behind the place is passed over, and does not make the topic lost. */
  passesGaps?: true
}

/** What a read has found, at one instant for all its topics. */
export interface Read {
  /** Of all topics that are not lost, by the one order, oldest first. */
  events: readonly StoredEvent[]
  /** The read was full: there may be more behind its last event. Otherwise nothing of these topics is between that and `head`. */
  more: boolean
  /** The end of the order. */
  head: string
  /** Topics of which something behind their place is not there any more, or whose place is none in this order. */
  lost: readonly string[]
}

export interface LogBounds {
  /** Position of the oldest event kept. Nothing is kept: `last + 1`. */
  first: number
  /** Of the newest ever appended; 0: none. */
  last: number
}

export type Lookup =
  /** The topic's log has everything behind this place. */
  | 'known'
  /** It had, and trimmed some of it. */
  | 'trimmed'
  /** The id is of another order, of a future that there is not (any more), or no id at all. */
  | 'unknown'

/** What a store keeps, and for how long. */
export interface Retention {
  /** Events kept of each topic. */
  events: number
  /** Bytes kept of each account (`sizeOf`), over all topics. Its oldest go; its newest event stays, whatever its size. */
  bytesPerAccount: number
  /** Events kept of each account, over all topics. */
  eventsPerAccount: number
  /** Topics that an account can append to within a day. */
  topicsPerAccount: number
}

/** Milliseconds for which the name of an append is remembered. */
export const onceFor = 600_000
/** Milliseconds for which it counts that an account has appended to a topic. */
export const dayOfTopics = 86_400_000
/** Topics of which a store knows. Of more, the one without an event for the longest goes, with its log. */
export const mostTopics = 100_000

/** The name of an append (`Idempotency-Key`), and what is appended under it. */
export interface Once {
  /** 1 to 64 visible ASCII characters. */
  name: string
  /** A hash of the events. The same name with another digest is refused: its ids would be those of other events. */
  digest: string
}

/** What an append rejects with where its name was used for other events (draft-ietf-httpapi-idempotency-key-header, 2.7). */
export const usedForOthers = () =>
  refusal(
    422,
    'idempotency_key_reused',
    'That Idempotency-Key was used for other events. Take a new one for these.',
  )

/** What an append rejects with where its account has appended to too many topics today. */
export const tooManyTopics = () =>
  refusal(429, 'too_many_topics', 'Too many topics for one day. Publish to those that there are.')

/** Bytes of UTF-8 that an event counts with against the bytes of its account. */
export const sizeOf = ({ type, data, owner }: Omit<NewEvent, 'topic'>): number =>
  Buffer.byteLength(type) + Buffer.byteLength(data) + Buffer.byteLength(owner)

export interface EventStore {
  /**
   * Appends in order and in one transaction, whatever the topics. Resolves with the ids once that is committed, so an id
   * that a publisher has seen survives a crash. Wakes the topics' subscribers afterwards, never before. Rejects with
   * `tooManyTopics`.
   *
   * @param account whose bytes the events are
   * @param once names this append of the account: repeated within ten minutes, by a publisher that never saw the answer, it
   *   stores nothing and has the same answer. Rejects with `usedForOthers` if the events are others.
   */
  append(account: string, events: readonly NewEvent[], once?: Once): Promise<string[]>
  /** The same, under ids of `idsAhead`. Undefined, and nothing is done, if the order has passed one of them. */
  appendAs(
    account: string,
    events: readonly (NewEvent & { id: string })[],
    once?: Once,
  ): Promise<string[] | undefined>
  /**
   * Ids that the next events can have.
   *
   * @param lead how many events of others may be appended before: so many places stay empty if there are none
   */
  idsAhead(count: number, lead: number): Promise<string[]>
  read(places: readonly Place[], limit: ReadLimit): Promise<Read>
  /** Of each topic, in the order of the question. */
  lookup(topics: readonly string[], id: string): Promise<Lookup[]>
  /** The end of the order: everything that is appended from now on is behind it. */
  head(): Promise<string>
  bounds(topic: string): Promise<LogBounds>
  /** Calls `wake` after each append to one of the topics: a hint, without events, to read on. Returns the unsubscribe. */
  subscribe(topics: readonly string[], wake: () => void): () => void
  /** Writes, and waits until that is kept: a disk that is full rejects, and a Redis that takes no more. */
  check(): Promise<void>
  close(): Promise<void>
}

/** A topic's whole log in small reads: what one caller holds in memory does not depend on its length. */
export async function* readAll(store: EventStore, topic: string): AsyncGenerator<StoredEvent> {
  for (let after: string | null = null; ; ) {
    const { events } = await store.read([{ topic, after, passesGaps: true }], {
      events: 256,
      characters: 256 * 1024,
    })
    if (!events.length) return
    yield* events
    after = events.at(-1)!.id
  }
}
