import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type { ClaimContext, ClaimOptions } from './claim-options.ts'
import type { ListenOptions, StreamEvent } from './delivery/listeners.ts'
import { followLatest } from './follow-latest.ts'
import { followState, LOADING } from './follow-state.ts'
import { isSame } from './is-same.ts'
import { NO_STREAM, openProvided, type Provided } from './provided.ts'
import type { Status } from './shared/status.ts'
import type { StateCurrent, StateOptions } from './state-options.ts'
import type { EventMap, Heard, Stream, TopicMap, TypeOf } from './stream.ts'
import type { Topic, TopicStatus } from './topic.ts'

/**
 * Declares the application's stream once, for all hooks:
 * `declare module 'tabstream/react' { interface Register { stream: Stream<Events> } }`
 */
// biome-ignore lint/suspicious/noEmptyInterface: an application adds to it
export interface Register {}

/** The declared event map; without a declaration, any type with an unknown payload. */
export type RegisteredEvents = Register extends { stream: Stream<infer Events, infer _> } ? Events : EventMap
/** The declared topics; without a declaration, any topic with any types. */
export type RegisteredTopics = Register extends { stream: Stream<infer _, infer Topics> } ? Topics : TopicMap
type Events = RegisteredEvents
type Topics = RegisteredTopics
type Source = Heard<EventMap> | null

const StreamContext = createContext<Provided<Stream<Events, Topics>> | undefined>(undefined)

export interface StreamProviderProps {
  /**
   * Makes the stream, in the browser only, once for each mount; it is closed at the unmount. For another user give
   * the provider another `key`.
   */
  connect?: () => Stream<Events, Topics>
  /** A stream that somebody else opens and closes, in place of `connect`. */
  stream?: Stream<Events, Topics>
  children?: ReactNode
}

/** The stream for all hooks below it. Where `connect` throws, the tree stays and the status is `failed`. */
export const StreamProvider = ({ connect, stream, children }: StreamProviderProps): ReactElement => {
  const [own, setOwn] = useState<Provided<Stream<Events, Topics>>>(NO_STREAM)
  const first = useRef(connect)
  // The stream opens in an effect: a server runs no effects, and a render that is thrown away must open nothing.
  useEffect(() => first.current && openProvided(first.current, setOwn), [])
  const given = useMemo(() => (stream ? { ...NO_STREAM, stream } : null), [stream])
  return createElement(StreamContext.Provider, { value: given ?? own }, children)
}

const useProvided = (): Provided<Stream<Events, Topics>> => {
  const provided = useContext(StreamContext)
  if (provided === undefined) throw new Error('tabstream: there is no <StreamProvider> above this component.')
  return provided
}

/** @returns the stream; `null` on a server, before the provider has made it, and where it could not */
export const useStream = (): Stream<Events, Topics> | null => useProvided().stream

/**
 * Joins a topic for as long as the component is mounted, and renders anew when its status changes.
 *
 * @returns the component's own handle; `null` where there is no stream, and before the first effect
 */
export const useTopic = <Name extends TypeOf<Topics>>(name: Name): Topic<Topics[Name]> | null => {
  const stream = useStream()
  const [topic, setTopic] = useState<Topic<Topics[Name]> | null>(null)
  useEffect(() => {
    if (stream === null) return
    const joined = stream.topic(name)
    setTopic(joined)
    return () => {
      joined.leave()
      setTopic(null)
    }
  }, [stream, name])
  useSyncExternalStore<TopicStatus | undefined>(
    useCallback((onChange) => topic?.onStatus(onChange) ?? (() => {}), [topic]),
    () => topic?.status,
    () => undefined,
  )
  // Another name's effect is still to come.
  return topic?.name === name ? topic : null
}

/** Whose events a hook hears. */
export interface OfTopic<TopicEvents> {
  /** A handle, as `useTopic` gives it; `null`: there is none yet, and nothing is heard. Default: the stream. */
  topic: Topic<TopicEvents> | null
}

const useSource = ({ topic }: { topic?: unknown } = {}): Source => {
  const stream = useStream()
  return (topic === undefined ? stream : topic) as Source
}

/** Runs the latest `listener` at each event of the type, as `stream.on` or `topic.on` does. Renders nothing. */
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
  options?: { topic?: unknown } & ListenOptions,
): void {
  const source = useSource(options)
  const latest = useRef(listener)
  // An insertion effect runs before all other effects, so that no event meets the listener of an earlier render.
  useInsertionEffect(() => {
    latest.current = listener
  })
  useEffect(
    () => source?.on(type, (payload, event) => latest.current(payload as never, event), options),
    [source, type, options?.urgent],
  )
}

/**
 * Claims the events of the type for as long as the component is mounted, as `stream.claim` or `topic.claim` does. The latest
 * `handler` runs. Renders nothing.
 */
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
  options: { topic?: unknown } & ClaimOptions,
): void {
  const source = useSource(options)
  const latest = useRef(handler)
  useInsertionEffect(() => {
    latest.current = handler
  })
  const { mode, name, timeout, attempts, missed } = options
  useEffect(
    () => source?.claim(type, (...given) => latest.current(...(given as [never, never, never])), options),
    [source, type, mode, name, timeout, attempts, missed],
  )
}

/** @returns the payload of the latest event of the type since this component mounted; `undefined`: none yet */
export function useLatest<Type extends TypeOf<Events>>(type: Type): Events[Type] | undefined
export function useLatest<TopicEvents, Type extends TypeOf<TopicEvents>>(
  type: Type,
  options: OfTopic<TopicEvents>,
): TopicEvents[Type] | undefined
export function useLatest(type: string, options?: { topic: unknown }): unknown {
  const source = useSource(options)
  const store = useMemo(() => {
    let value: unknown
    return {
      subscribe: (onChange: () => void) =>
        source === null
          ? () => {}
          : followLatest(source, type, (payload) => {
              value = payload
              onChange()
            }),
      read: () => value,
    }
  }, [source, type])
  return useSyncExternalStore(store.subscribe, store.read, () => undefined)
}

/**
 * `state()` of the stream, or of `topic`, for as long as the component is mounted. A server renders it `loading`.
 *
 * @param options `load` and the reducers of the last render are called. Another `key` is another state
 */
export function useStreamState<Value>(options: StateOptions<Events, Value>): StateCurrent<Value>
export function useStreamState<TopicEvents, Value>(
  options: StateOptions<TopicEvents, Value> & OfTopic<TopicEvents>,
): StateCurrent<Value>
export function useStreamState(given: object): StateCurrent<unknown> {
  const options = given as StateOptions<EventMap, unknown> & { topic: unknown }
  const source = useSource('topic' in options ? options : undefined)
  const latest = useRef(options)
  useInsertionEffect(() => {
    latest.current = options
  })
  const [current, setCurrent] = useState<StateCurrent<unknown>>(LOADING)
  const { key } = options
  const types = JSON.stringify(Object.keys(options.on).sort())
  useEffect(() => {
    if (source === null) return
    const reduce = (type: string) => (value: unknown, payload: unknown, event: StreamEvent) =>
      latest.current.on[type]!(value, payload, event)
    const on = Object.fromEntries((JSON.parse(types) as string[]).map((type) => [type, reduce(type)]))
    return followState(source, { key, load: (context) => latest.current.load(context), on }, setCurrent)
  }, [source, key, types])
  return current
}

/**
 * @param select what the component uses of the status; it renders anew only when that changes. A new object or list
 *   with the same properties is no change. Default: all of it
 */
export const useStatus = <Selected = Status>(
  select: (status: Status) => Selected = (status) => status as Selected,
): Selected => {
  const { stream, status } = useProvided()
  const subscribe = useMemo(
    () => (onChange: () => void) => stream?.onStatus(onChange) ?? (() => {}),
    [stream],
  )
  const last = useRef<{ from: Status; select: unknown; selected: Selected } | null>(null)
  // React asks again and again, and takes a new object each time for a change each time: it would render for ever.
  const selectSame = (from: Status): Selected => {
    const former = last.current
    if (former?.from === from && former.select === select) return former.selected
    const selected = select(from)
    const isKept = former !== null && isSame(former.selected, selected)
    last.current = { from, select, selected: isKept ? former.selected : selected }
    return last.current.selected
  }
  return useSyncExternalStore(
    subscribe,
    () => selectSame(stream?.status ?? status),
    () => selectSame(NO_STREAM.status),
  )
}
