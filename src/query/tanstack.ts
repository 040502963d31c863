import type { StreamEvent } from '../delivery/listeners.ts'
import type { Off, Stream } from '../stream.ts'
import { createFeed, type Fed, type Feed, isLive, isOver, type Source } from './feed.ts'
import { type AnyStream, type Feeding, fedOf, type OfStream, type OfTopic } from './options.ts'

/** What is used of a query of TanStack Query 5. */
interface CachedQuery {
  queryKey: readonly unknown[]
  options: { queryFn?: unknown }
  state: { data: unknown; isInvalidated: boolean }
}
interface CacheEvent {
  type: string
  query: CachedQuery
  action?: { type: string; manual?: boolean }
}
/** What is used of a `QueryClient` of TanStack Query 5. */
export interface QueryClientLike {
  getQueryCache(): {
    getAll(): CachedQuery[]
    find(filters: { queryKey: readonly unknown[]; exact: true }): CachedQuery | undefined
    subscribe(listener: (event: CacheEvent) => void): () => void
  }
  invalidateQueries(
    filters: { queryKey: readonly unknown[]; exact: true; refetchType?: 'none' },
    options?: { cancelRefetch: boolean },
  ): Promise<void>
  setQueryData(queryKey: readonly unknown[], updater: (value: unknown) => unknown): unknown
}

export interface StreamQueryOptions<Events, Value, Key extends readonly unknown[]>
  extends Feeding<Events, Value> {
  /** Names the load among tabs, too. */
  queryKey: Key
  /** Fetches the value, which is structured-cloneable. One tab runs it for all that ask at the same time. */
  queryFn(context: { queryKey: Key; signal: AbortSignal }): Promise<Value>
}

interface QueryContext<Key> {
  queryKey: Key
  signal: AbortSignal
  client?: unknown
}
export interface StreamQuery<Value, Key> {
  queryKey: Key
  queryFn(context: QueryContext<Key>): Promise<Value>
  /** Events keep the value right. */
  staleTime: number
  /** Only while there is no stream, or no handle: the query waits. */
  enabled?: false
}

/** By the function in the query's options, which survives what an application adds to them. */
const fedBy = new WeakMap<object, Fed>()
const fedOfQuery = ({ options: { queryFn } }: CachedQuery): Fed | undefined => fedBy.get(queryFn as object)
const feeds = new WeakMap<CachedQuery, Feed>()
const feedOf = (query: CachedQuery): Feed => {
  const feed = feeds.get(query) ?? createFeed()
  feeds.set(query, feed)
  return feed
}

/**
 * Options for a query of TanStack Query 5 whose value a stream keeps right. `bindQueries` applies the events.
 *
 * @param stream `null`, as hooks give it before there is one: the query waits
 */
export function streamQuery<Events, Topics, Value, const Key extends readonly unknown[]>(
  stream: Stream<Events, Topics> | null,
  options: StreamQueryOptions<Events, Value, Key> & OfStream,
): StreamQuery<Value, Key>
export function streamQuery<TopicEvents, Value, const Key extends readonly unknown[]>(
  stream: AnyStream | null,
  options: StreamQueryOptions<TopicEvents, Value, Key> & OfTopic<TopicEvents>,
): StreamQuery<Value, Key>
export function streamQuery(
  stream: unknown,
  options: StreamQueryOptions<never, unknown, readonly unknown[]> & { topic?: unknown },
): StreamQuery<unknown, readonly unknown[]> {
  const { queryKey, queryFn: load } = options
  const fed = fedOf(stream, options, queryKey, ({ signal }) => load({ queryKey, signal }))
  const queryFn = ({ signal, client }: QueryContext<readonly unknown[]>) => {
    if (fed === null) return load({ queryKey, signal })
    const query = (client as QueryClientLike | undefined)?.getQueryCache().find({ queryKey, exact: true })
    return (query ? feedOf(query) : createFeed()).fetch(fed, signal)
  }
  if (fed !== null) fedBy.set(queryFn, fed)
  return { queryKey, queryFn, staleTime: Infinity, ...(fed === null ? { enabled: false } : {}) }
}

/**
 * Applies the events of a stream and of its topics to the queries of `streamQuery`, for as long as they are in the cache. A
 * reset fetches anew all that the stream or the topic feeds.
 *
 * @returns stops: what the queries have is out of date from then on
 */
export const bindQueries = (stream: AnyStream, client: QueryClientLike): Off => {
  const cache = client.getQueryCache()
  const listening = new Map<Source, Map<string, Off>>()
  const fedFrom = (source: Source) => cache.getAll().filter((query) => fedOfQuery(query)?.source === source)

  /** A load that is under way goes on: a burst of events must not keep it from its end. */
  const invalidate = ({ queryKey }: CachedQuery, refetchType?: 'none') =>
    void client.invalidateQueries(
      { queryKey, exact: true, ...(refetchType ? { refetchType } : {}) },
      { cancelRefetch: false },
    )
  const outdate = (source: Source, refetchType?: 'none') => {
    for (const query of fedFrom(source)) {
      feedOf(query).outdate()
      invalidate(query, refetchType)
    }
  }

  const hear = (source: Source, type: string, payload: unknown, event: StreamEvent) => {
    for (const query of fedFrom(source)) {
      const change = fedOfQuery(query)?.on[type]
      if (change === 'invalidate') {
        feedOf(query).outdate(event)
        invalidate(query)
      } else if (change !== undefined && query.state.data !== undefined) {
        const { isInvalidated } = query.state
        client.setQueryData(query.queryKey, (value) => change(value, payload, event))
        // TanStack takes what is set for new. An event makes nothing right that was out of date.
        if (isInvalidated) invalidate(query, 'none')
      }
    }
  }
  const hearStatus = (source: Source) => {
    if (isOver(source)) outdate(source, 'none')
    else if (isLive(source))
      for (const query of fedFrom(source)) {
        const feed = feedOf(query)
        // What was fetched before may lack what came before anybody listened.
        if (feed.isRight(source)) continue
        if (feed.loads() > 0) feed.outdate()
        else if (query.state.data !== undefined) invalidate(query)
      }
  }
  const listen = (query: CachedQuery) => {
    const fed = fedOfQuery(query)
    if (fed === undefined || (fed.stream as unknown) !== stream) return
    const { source, on } = fed
    const offs = listening.get(source) ?? new Map<string, Off>()
    if (!listening.has(source)) {
      listening.set(source, offs)
      const offReset = source.onReset((reset) => {
        for (const query of fedFrom(source)) {
          feedOf(query).outdate(reset)
          invalidate(query)
        }
      })
      const offStatus = source.onStatus(() => hearStatus(source))
      offs.set('', () => {
        offReset()
        offStatus()
      })
    }
    for (const type of Object.keys(on))
      if (!offs.has(type))
        offs.set(
          type,
          source.on(type, (payload, event) => hear(source, type, payload, event)),
        )
    const feed = feedOf(query)
    if (query.state.data !== undefined && feed.loads() === 0 && !feed.isRight(source)) invalidate(query)
  }
  const ignore = (source: Source) => {
    for (const off of listening.get(source)?.values() ?? []) off()
    listening.delete(source)
  }

  for (const query of cache.getAll()) listen(query)
  const offCache = cache.subscribe(({ type, query, action }) => {
    if (['added', 'observerAdded', 'observerOptionsUpdated'].includes(type)) listen(query)
    else if (type === 'removed') {
      for (const source of listening.keys()) if (fedFrom(source).length === 0) ignore(source)
    } else if (action?.type === 'success' && !action.manual && feeds.get(query)?.isOutdated())
      // An event came while the value was fetched.
      queueMicrotask(() => invalidate(query))
  })
  return () => {
    offCache()
    for (const source of [...listening.keys()]) {
      ignore(source)
      outdate(source, 'none')
    }
  }
}
