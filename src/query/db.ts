import type { StreamEvent } from '../delivery/listeners.ts'
import type { Off, Stream, TypeOf } from '../stream.ts'
import { keepFed } from './keep-fed.ts'
import { type AnyStream, type Feeding, fedOf, type OfStream, type OfTopic } from './options.ts'

/** What an event makes of a collection. An item that is there already is replaced. */
export type Change<Item, Key> = { type: 'upsert'; value: Item } | { type: 'delete'; key: Key }

export interface StreamCollectionOptions<Events, Item extends object, Key extends string | number> {
  /** Names the collection, and its load among tabs. */
  id: string
  getKey(item: Item): Key
  /** Fetches all items, which are structured-cloneable. One tab runs it for all that ask at the same time. */
  load(context: { signal: AbortSignal }): Promise<Item[]>
  /** What an event of each type changes. `'invalidate'`: all items are fetched anew, once for all tabs. */
  on: {
    [Type in TypeOf<Events>]?:
      | 'invalidate'
      | ((payload: Events[Type], event: StreamEvent<Type>) => Change<Item, Key>[])
  }
  /** The id of the last event that fetched items contain; `null`: not known. Default: of none it is known. */
  position?: (items: Item[]) => string | null
}

/** What is used of the sync interface of TanStack DB. */
interface Sync<Item, Key> {
  begin(): void
  write(change: { type: 'insert' | 'update'; value: Item } | { type: 'delete'; key: Key }): void
  commit(): unknown
  truncate(): void
  markReady(): void
  markError?(error?: unknown): void
}
export interface StreamCollection<Item extends object, Key extends string | number> {
  id: string
  getKey(item: Item): Key
  sync: { sync(params: Sync<Item, Key>): Off; rowUpdateMode: 'full' }
}

type Rows = Map<string | number, object>

/**
 * Options for `createCollection` of TanStack DB: a collection that a stream keeps right while it syncs. A load that fails is
 * tried again after 1 s, and ever more seldom.
 */
export function streamCollection<Events, Topics, Item extends object, Key extends string | number>(
  stream: Stream<Events, Topics>,
  options: StreamCollectionOptions<Events, Item, Key> & OfStream,
): StreamCollection<Item, Key>
export function streamCollection<TopicEvents, Item extends object, Key extends string | number>(
  stream: AnyStream,
  options: StreamCollectionOptions<TopicEvents, Item, Key> & OfTopic<TopicEvents>,
): StreamCollection<Item, Key>
export function streamCollection(
  stream: unknown,
  options: StreamCollectionOptions<Record<string, never>, object, string | number> & { topic?: unknown },
): StreamCollection<object, string | number> {
  const { id, getKey, load, on } = options
  const toRows = (value: unknown): Rows =>
    value instanceof Map ? value : new Map((value as object[]).map((item) => [getKey(item), item]))

  const sync = ({ begin, write, commit, truncate, markReady, markError }: Sync<object, string | number>) => {
    let rows: Rows = new Map()
    let isReady = false
    /** What the last change touched, and whether it was there before. */
    const touched = new Map<string | number, boolean>()
    const reducers = Object.entries(on).map(([type, change]) => [
      type,
      change === 'invalidate'
        ? change
        : (value: unknown, payload: never, event: StreamEvent) => {
            const changed = toRows(value)
            for (const each of change!(payload, event)) {
              const key = each.type === 'delete' ? each.key : getKey(each.value)
              if (!touched.has(key)) touched.set(key, changed.has(key))
              if (each.type === 'delete') changed.delete(key)
              else changed.set(key, each.value)
            }
            return changed
          },
    ])
    const feeding = { ...options, on: Object.fromEntries(reducers) } as unknown as Feeding<never, unknown>
    const fed = fedOf(stream, feeding, id, load)
    if (fed === null) return () => {}
    return keepFed(fed, {
      set(value) {
        rows = toRows(value)
        begin()
        truncate()
        for (const item of rows.values()) write({ type: 'insert', value: item })
        commit()
        isReady = true
        markReady()
      },
      update(change) {
        touched.clear()
        change(rows)
        begin()
        for (const [key, wasThere] of touched) {
          const value = rows.get(key)
          if (value !== undefined) write({ type: wasThere ? 'update' : 'insert', value })
          else if (wasThere) write({ type: 'delete', key })
        }
        commit()
      },
      fail(error) {
        if (!isReady) markError?.(error)
      },
    })
  }
  return { id, getKey, sync: { sync, rowUpdateMode: 'full' } }
}
