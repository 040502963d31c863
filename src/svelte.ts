import { getContext, onMount, setContext } from 'svelte'
import { derived, fromStore, get, type Readable, readable, toStore, writable } from 'svelte/store'
import type { ClaimContext, ClaimOptions } from './claim-options.ts'
import type { ListenOptions, StreamEvent } from './delivery/listeners.ts'
import { followLatest } from './follow-latest.ts'
import { followState, LOADING } from './follow-state.ts'
import { isSame } from './is-same.ts'
import { NO_STREAM, openProvided, type Provided } from './provided.ts'
import type { Status } from './shared/status.ts'
import type { StateCurrent, StateOptions } from './state-options.ts'
import type { EventMap, Heard, Off, Stream, TopicMap, TypeOf } from './stream.ts'
import type { Topic } from './topic.ts'

/**
 * Declares the application's stream once, for all components:
 * `declare module 'tabstream/svelte' { interface Register { stream: Stream<Events> } }`
 */
// biome-ignore lint/suspicious/noEmptyInterface: an application adds to it
export interface Register {}

/** The declared event map; without a declaration, any type with an unknown payload. */
export type RegisteredEvents = Register extends { stream: Stream<infer Events, infer _> } ? Events : EventMap
/** The declared topics; without a declaration, any topic with any types. */
export type RegisteredTopics = Register extends { stream: Stream<infer _, infer Topics> } ? Topics : TopicMap
type Events = RegisteredEvents
type Topics = RegisteredTopics
type AppStream = Stream<Events, Topics>

/** What a component reads: `value.current` follows in templates, `$derived` and `$effect`; `$value` does as a store. */
export interface Current<Value> extends Readable<Value> {
  readonly current: Value
}

const CONTEXT = Symbol('tabstream')

const toCurrent = <Value>({ subscribe }: Readable<Value>): Current<Value> => {
  const followed = fromStore({ subscribe })
  return {
    subscribe,
    get current() {
      return followed.current
    },
  }
}

export interface ProvideStreamOptions {
  /**
   * Makes the stream, in the browser only, once the component has mounted; it is closed at the unmount. For another
   * user put the component into `{#key userId}`.
   */
  connect?: () => AppStream
  /** A stream that somebody else opens and closes, in place of `connect`. */
  stream?: AppStream
}

/**
 * The stream for all components below the one that calls this while it initialises. Where `connect` throws, the
 * components stay and the status is `failed`.
 */
export const provideStream = ({ connect, stream }: ProvideStreamOptions): void => {
  const provided = writable<Provided<AppStream>>(NO_STREAM)
  setContext(CONTEXT, provided)
  // A server mounts nothing, and the page's first render is what the server's was.
  onMount(() => {
    if (connect) return openProvided(connect, provided.set)
    if (stream) provided.set({ ...NO_STREAM, stream })
  })
}

const useProvided = (): Readable<Provided<AppStream>> => {
  const provided = getContext<Readable<Provided<AppStream>> | undefined>(CONTEXT)
  if (provided === undefined)
    throw new Error('tabstream: no component above this one has called provideStream().')
  return provided
}

/** While the component is mounted: runs `start` with what `source` has, and anew whenever that is another. */
const follow = <Value>(source: Readable<Value | null>, start: (value: Value) => Off): void =>
  onMount(() => {
    let last: Value | null = null
    let stop: Off = () => {}
    const off = source.subscribe((value) => {
      // A store tells again of an object in which something may have changed, as a topic's handle does.
      if (value === last) return
      stop()
      last = value
      stop = value === null ? () => {} : start(value)
    })
    return () => {
      off()
      stop()
    }
  })

/** @returns the stream; `null` on a server, before the components have mounted, and where there could be none */
export const useStream = (): Current<AppStream | null> =>
  toCurrent(derived(useProvided(), ({ stream }) => stream))

/**
 * Joins a topic for as long as the component is mounted. What reads it follows the topic's status, too.
 *
 * @param name a getter may give another name later, which is another topic
 * @returns the component's own handle; `null` where there is no stream, and before the mount
 */
export const useTopic = <Name extends TypeOf<Topics>>(
  name: Name | (() => Name),
): Current<Topic<Topics[Name]> | null> => {
  const topic = writable<Topic<Topics[Name]> | null>(null)
  const wanted = typeof name === 'function' ? toStore(name) : readable(name)
  const asked = derived([useStream(), wanted], ([stream, name]) => stream && { stream, name })
  follow(asked, ({ stream, name }) => {
    const joined = stream.topic(name)
    topic.set(joined)
    const off = joined.onStatus(() => topic.set(joined))
    return () => {
      off()
      joined.leave()
      topic.set(null)
    }
  })
  return toCurrent(topic)
}

/** Whose events a component hears. */
export interface OfTopic<TopicEvents> {
  /** A handle, as `useTopic` gives it; while it is `null`, nothing is heard. Default: the stream. */
  topic: Readable<Topic<TopicEvents> | null>
}
type Source = Readable<Heard<EventMap> | null>

const useSource = ({ topic }: { topic?: Readable<unknown> } = {}): Source => {
  const stream = useStream()
  return (topic ?? stream) as Source
}

const topicOf = (options: object) =>
  'topic' in options ? { topic: options.topic as Readable<unknown> } : undefined

/** Runs `listener` at each event of the type, as `stream.on` or `topic.on` does, for as long as the component is mounted. */
export function useEvent<Type extends TypeOf<Events>>(
  type: Type,
  listener: (payload: Events[Type], event: StreamEvent<Type>) => void,
  options?: ListenOptions,
): void
export function useEvent<TopicEvents, Type extends TypeOf<TopicEvents>>(
  type: Type,
  listener: (payload: TopicEvents[Type], event: StreamEvent<Type>) => void,
  options: OfTopic<TopicEvents> & ListenOptions,
): void
export function useEvent(
  type: string,
  listener: (payload: never, event: StreamEvent) => void,
  options?: { topic?: Readable<unknown> } & ListenOptions,
): void {
  follow(useSource(options), (heard) => heard.on(type, listener as (payload: unknown) => void, options))
}

/** Handles each event of the type in one tab, as `stream.claim` or `topic.claim` does, while the component is mounted. */
export function useClaim<Type extends TypeOf<Events>>(
  type: Type,
  handler: (payload: Events[Type], event: StreamEvent<Type>, claim: ClaimContext) => unknown,
  options: ClaimOptions,
): void
export function useClaim<TopicEvents, Type extends TypeOf<TopicEvents>>(
  type: Type,
  handler: (payload: TopicEvents[Type], event: StreamEvent<Type>, claim: ClaimContext) => unknown,
  options: OfTopic<TopicEvents> & ClaimOptions,
): void
export function useClaim(
  type: string,
  handler: (payload: never, event: StreamEvent, claim: ClaimContext) => unknown,
  options: { topic?: Readable<unknown> } & ClaimOptions,
): void {
  follow(useSource(options), (heard) => heard.claim(type, handler as (payload: unknown) => unknown, options))
}

/** @returns the payload of the newest event of the type, of the log's first; `undefined`: none yet */
export function useLatest<Type extends TypeOf<Events>>(type: Type): Current<Events[Type] | undefined>
export function useLatest<TopicEvents, Type extends TypeOf<TopicEvents>>(
  type: Type,
  options: OfTopic<TopicEvents>,
): Current<TopicEvents[Type] | undefined>
export function useLatest(type: string, options?: { topic: Readable<unknown> }): Current<unknown> {
  const latest = writable<unknown>()
  follow(useSource(options), (heard) => {
    const off = followLatest(heard, type, latest.set)
    return () => {
      off()
      latest.set(undefined)
    }
  })
  return toCurrent(latest)
}

/**
 * `state()` of the stream, or of `topic`, for as long as the component is mounted. A server renders it `loading`.
 *
 * @param options a getter may give another `key` later, which is another state
 */
export function useStreamState<Value>(
  options: StateOptions<Events, Value> | (() => StateOptions<Events, Value>),
): Current<StateCurrent<Value>>
export function useStreamState<TopicEvents, Value>(
  options:
    | (StateOptions<TopicEvents, Value> & OfTopic<TopicEvents>)
    | (() => StateOptions<TopicEvents, Value> & OfTopic<TopicEvents>),
): Current<StateCurrent<Value>>
export function useStreamState(given: unknown): Current<StateCurrent<unknown>> {
  const options = given as StateOptions<EventMap, unknown> | (() => StateOptions<EventMap, unknown>)
  const read = typeof options === 'function' ? options : () => options
  const current = writable<StateCurrent<unknown>>(LOADING)
  const key = typeof options === 'function' ? toStore(() => options().key) : readable(options.key)
  const asked = derived([useSource(topicOf(read())), key], ([heard, key]) => heard && { heard, key })
  follow(asked, ({ heard }) => followState(heard, read(), current.set))
  return toCurrent(current)
}

/**
 * @param select what the component uses of the status; it renders anew only when that changes. A new object or list
 *   with the same properties is no change. Default: all of it
 */
export const useStatus = <Selected = Status>(
  select: (status: Status) => Selected = (status) => status as Selected,
): Current<Selected> => {
  const provided = useProvided()
  const now = ({ stream, status }: Provided<AppStream>) => select(stream?.status ?? status)
  const selected = writable(now(get(provided)))
  const set = (next: Selected) => {
    if (!isSame(get(selected), next)) selected.set(next)
  }
  follow(provided, (is) => {
    set(now(is))
    return is.stream?.onStatus((status) => set(select(status))) ?? (() => {})
  })
  return toCurrent(selected)
}
