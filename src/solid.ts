import {
  type Accessor,
  createComponent,
  createContext,
  createEffect,
  createMemo,
  createSignal,
  type JSX,
  onCleanup,
  onMount,
  untrack,
  useContext,
} from 'solid-js'
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
 * `declare module 'tabstream/solid' { interface Register { stream: Stream<Events> } }`
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

const StreamContext = createContext<Accessor<Provided<AppStream>>>()

export interface StreamProviderProps {
  /**
   * Makes the stream, in the browser only, once for each mount; it is closed at the unmount. For another user put the
   * provider into `<Show keyed when={userId()}>`.
   */
  connect?: () => AppStream
  /** A stream that somebody else opens and closes, in place of `connect`. */
  stream?: AppStream
  children?: JSX.Element
}

/** The stream for all components below it. Where `connect` throws, the tree stays and the status is `failed`. */
export const StreamProvider = (props: StreamProviderProps): JSX.Element => {
  const [provided, setProvided] = createSignal<Provided<AppStream>>(NO_STREAM)
  // A server runs no effects, and the page's first render is what the server's was.
  onMount(() => {
    if (props.connect) onCleanup(openProvided(props.connect, setProvided))
  })
  createEffect(() => {
    if (!props.connect) setProvided(props.stream ? { ...NO_STREAM, stream: props.stream } : NO_STREAM)
  })
  return createComponent(StreamContext.Provider, {
    value: provided,
    get children() {
      return props.children
    },
  })
}

const useProvided = (): Accessor<Provided<AppStream>> => {
  const provided = useContext(StreamContext)
  if (provided === undefined) throw new Error('tabstream: there is no <StreamProvider> above this component.')
  return provided
}

/** Runs `start` with what `source` has, and anew whenever that is another. */
const follow = <Value>(source: Accessor<Value | null>, start: (value: Value) => Off): void => {
  const followed = createMemo(source)
  createEffect(() => {
    const value = followed()
    if (value !== null) onCleanup(start(value))
  })
}

/** @returns the stream; `null` on a server, before the provider has mounted, and where it could not make one */
export const useStream = (): Accessor<AppStream | null> => {
  const provided = useProvided()
  return () => provided().stream
}

/**
 * Joins a topic for as long as the component is mounted. What reads it follows the topic's status, too.
 *
 * @param name an accessor may give another name later, which is another topic
 * @returns the component's own handle; `null` where there is no stream, and before the first effect
 */
export const useTopic = <Name extends TypeOf<Topics>>(
  name: Name | Accessor<Name>,
): Accessor<Topic<Topics[Name]> | null> => {
  const stream = useStream()
  // The handle stays the same object when its status changes.
  const [topic, setTopic] = createSignal<Topic<Topics[Name]> | null>(null, { equals: false })
  const wanted = createMemo(() => (typeof name === 'function' ? name() : name))
  createEffect(() => {
    const joined = stream()?.topic(wanted())
    if (joined === undefined) return
    const show = () => setTopic(() => joined)
    const off = joined.onStatus(show)
    show()
    onCleanup(() => {
      off()
      joined.leave()
      setTopic(null)
    })
  })
  return topic
}

/** Whose events a component hears. */
export interface OfTopic<TopicEvents> {
  /** A handle, as `useTopic` gives it; while it is `null`, nothing is heard. Default: the stream. */
  topic: Accessor<Topic<TopicEvents> | null>
}
type Source = Accessor<Heard<EventMap> | null>

const useSource = ({ topic }: { topic?: Accessor<unknown> } = {}): Source => {
  const stream = useStream()
  return (topic ?? stream) as Source
}

const topicOf = (options: object) =>
  'topic' in options ? { topic: options.topic as Accessor<unknown> } : undefined

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
  options?: { topic?: Accessor<unknown> } & ListenOptions,
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
  options: { topic?: Accessor<unknown> } & ClaimOptions,
): void {
  follow(useSource(options), (heard) => heard.claim(type, handler as (payload: unknown) => unknown, options))
}

/** @returns the payload of the newest event of the type, of the log's first; `undefined`: none yet */
export function useLatest<Type extends TypeOf<Events>>(type: Type): Accessor<Events[Type] | undefined>
export function useLatest<TopicEvents, Type extends TypeOf<TopicEvents>>(
  type: Type,
  options: OfTopic<TopicEvents>,
): Accessor<TopicEvents[Type] | undefined>
export function useLatest(type: string, options?: { topic: Accessor<unknown> }): Accessor<unknown> {
  const [latest, setLatest] = createSignal<unknown>()
  follow(useSource(options), (heard) => {
    // A signal would call a payload that is a function.
    const off = followLatest(heard, type, (payload) => setLatest(() => payload))
    return () => {
      off()
      setLatest(undefined)
    }
  })
  return latest
}

/**
 * `state()` of the stream, or of `topic`, for as long as the component is mounted. A server renders it `loading`.
 *
 * @param options an accessor may give another `key` later, which is another state
 */
export function useStreamState<Value>(
  options: StateOptions<Events, Value> | Accessor<StateOptions<Events, Value>>,
): Accessor<StateCurrent<Value>>
export function useStreamState<TopicEvents, Value>(
  options:
    | (StateOptions<TopicEvents, Value> & OfTopic<TopicEvents>)
    | Accessor<StateOptions<TopicEvents, Value> & OfTopic<TopicEvents>>,
): Accessor<StateCurrent<Value>>
export function useStreamState(given: unknown): Accessor<StateCurrent<unknown>> {
  const options = given as StateOptions<EventMap, unknown> | Accessor<StateOptions<EventMap, unknown>>
  const read = typeof options === 'function' ? options : () => options
  const source = createMemo(useSource(topicOf(untrack(read))))
  const key = createMemo(() => read().key)
  const [current, setCurrent] = createSignal<StateCurrent<unknown>>(LOADING)
  const asked = createMemo(() => {
    const heard = source()
    return heard && { heard, key: key() }
  })
  follow(asked, ({ heard }) => followState(heard, untrack(read), setCurrent))
  return current
}

/**
 * @param select what the component uses of the status; it renders anew only when that changes. A new object or list
 *   with the same properties is no change. Default: all of it
 */
export const useStatus = <Selected = Status>(
  select: (status: Status) => Selected = (status) => status as Selected,
): Accessor<Selected> => {
  const provided = useProvided()
  const now = ({ stream, status }: Provided<AppStream>) => stream?.status ?? status
  const [status, setStatus] = createSignal(now(provided()))
  follow(provided, (is) => {
    setStatus(now(is))
    return is.stream?.onStatus(setStatus) ?? (() => {})
  })
  return createMemo(() => select(status()), undefined, { equals: isSame })
}
