import { refusal } from '../http/problem.ts'

/**
 * Where events are kept: one ordered log a user. Nothing here knows of HTTP or of an engine: lmdb-event-store.ts is one
 * file on one machine, redis-event-store.ts is shared by nodes. An id names a place in a log, and is opaque to everybody
 * but the store that made it (R1: ASCII, at most 64 bytes).
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
  /** The place in the log: counts up by one. */
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

export interface LogBounds {
  /** Of the oldest event kept. An empty log: `last + 1`. */
  first: number
  /** Of the newest ever appended. */
  last: number
  /** Id of the newest event ever appended; of a log without any, the id of its beginning. */
  end: string
}

export type Lookup =
  /** The log has this place, and everything behind it. */
  | 'known'
  /** It had the place, and trimmed what was behind it. */
  | 'trimmed'
  /** The id is of another log, of a future that there is not (any more), or no id at all. */
  | 'unknown'

/** Milliseconds for which the name of an append is remembered. */
export const onceFor = 600_000

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

/** Bytes of UTF-8 that an event counts with against the bytes that a user may keep. */
export const sizeOf = ({ type, data, owner }: NewEvent): number =>
  Buffer.byteLength(type) + Buffer.byteLength(data) + Buffer.byteLength(owner)

export interface EventStore {
  /**
   * Appends in order and in one transaction; resolves with the ids once that is committed, so an id that a
   * publisher has seen survives a crash. Wakes the user's subscribers afterwards, never before.
   *
   * @param once names this append: repeated within ten minutes, by a publisher that never saw the answer, it stores
   *   nothing and has the same answer. Rejects with `usedForOthers` if the events are others.
   */
  append(user: string, events: readonly NewEvent[], once?: Once): Promise<string[]>
  /**
   * The same, but only if `end` is still the end of the log, and under the ids that `idsAfter` has given for it.
   * Otherwise undefined, and nothing is done.
   */
  appendAfter(
    user: string,
    end: string,
    events: readonly (NewEvent & { id: string })[],
    once?: Once,
  ): Promise<string[] | undefined>
  /** Ids that the next events behind `end` can have. */
  idsAfter(end: string, count: number): string[]
  /** The events behind `id` (`null`: all), oldest first; undefined where `lookup` doesn't say `known`. */
  readAfter(user: string, id: string | null, limit: ReadLimit): Promise<StoredEvent[] | undefined>
  lookup(user: string, id: string): Promise<Lookup>
  bounds(user: string): Promise<LogBounds>
  /** Calls `wake` after each append for the user: a hint, without events, to read on. Returns the unsubscribe. */
  subscribe(user: string, wake: () => void): () => void
  /** Writes, and waits until that is kept: a disk that is full rejects, and a Redis that takes no more. */
  check(): Promise<void>
  close(): Promise<void>
}

/** A user's whole log in small reads: what one caller holds in memory doesn't depend on its length. */
export async function* readAll(store: EventStore, user: string): AsyncGenerator<StoredEvent> {
  for (let id: string | null = null; ; ) {
    const events = await store.readAfter(user, id, { events: 256, characters: 256 * 1024 })
    if (!events?.length) return
    yield* events
    id = events.at(-1)!.id
  }
}
