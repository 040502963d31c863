import {
  type ComputedRef,
  computed,
  type DefineSetupFnComponent,
  defineComponent,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  onMounted,
  onScopeDispose,
  provide,
  type ShallowRef,
  shallowRef,
  toValue,
  triggerRef,
  type WatchSource,
  watch,
} from 'vue'
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
 * Declares the application's stream once, for all composables:
 * `declare module 'tabstream/vue' { interface Register { stream: Stream<Events> } }`
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

const providedKey: InjectionKey<Readonly<ShallowRef<Provided<AppStream>>>> = Symbol('tabstream')

export interface StreamProviderProps {
  /**
   * Makes the stream, in the browser only, once for each mount; it is closed at the unmount. For another user give
   * the provider another `key`.
   */
  connect?: () => AppStream
  /** A stream that somebody else opens and closes, in place of `connect`. */
  stream?: AppStream
}

/** The stream for all composables below it. Where `connect` throws, the tree stays and the status is `failed`. */
export const StreamProvider: DefineSetupFnComponent<StreamProviderProps> = defineComponent(
  (props: StreamProviderProps, { slots }) => {
    const provided = shallowRef<Provided<AppStream>>(NO_STREAM)
    const set = (next: Provided<AppStream>) => {
      provided.value = next
    }
    const given = () => set(props.stream ? { ...NO_STREAM, stream: props.stream } : NO_STREAM)
    provide(providedKey, provided)
    let close = () => {}
    // A server mounts nothing, and the page's first render is what the server's was.
    onMounted(() => {
      close = props.connect ? openProvided(props.connect, set) : watch(() => props.stream, given)
      if (!props.connect) given()
    })
    onScopeDispose(() => close())
    return () => slots.default?.()
  },
  { name: 'StreamProvider', props: ['connect', 'stream'] },
)

const useProvided = (): Readonly<ShallowRef<Provided<AppStream>>> => {
  const provided = inject(providedKey, null)
  if (provided === null) throw new Error('tabstream: there is no <StreamProvider> above this component.')
  return provided
}

/**
 * Runs `start` with what `source` has, and anew whenever that changes. At once, and not before the next render: events
 * of the same task must find their listener.
 */
const follow = <Value>(source: WatchSource<Value>, start: (value: NonNullable<Value>) => Off): void => {
  watch(
    source,
    (value, _, onCleanup) => {
      if (value !== null && value !== undefined) onCleanup(start(value))
    },
    { immediate: true, flush: 'sync' },
  )
}

/** @returns the stream; `null` on a server, before the provider has mounted, and where it could not make one */
export const useStream = (): ComputedRef<AppStream | null> => {
  const provided = useProvided()
  return computed(() => provided.value.stream)
}

/**
 * Joins a topic for as long as the component is mounted. What reads it renders anew when its status changes.
 *
 * @param name may be a ref or a getter: another name is another topic
 * @returns the component's own handle; `null` where there is no stream
 */
export const useTopic = <Name extends TypeOf<Topics>>(
  name: MaybeRefOrGetter<Name>,
): Readonly<ShallowRef<Topic<Topics[Name]> | null>> => {
  const stream = useStream()
  const topic = shallowRef<Topic<Topics[Name]> | null>(null)
  // A getter may run again and give the same name: that must not join anew.
  const wanted = computed(() => toValue(name))
  const asked = computed(() => stream.value && { stream: stream.value, name: wanted.value })
  follow(asked, ({ stream, name }) => {
    const joined = stream.topic(name)
    topic.value = joined
    // The handle stays the same object when its status changes.
    const off = joined.onStatus(() => triggerRef(topic))
    return () => {
      off()
      joined.leave()
      topic.value = null
    }
  })
  return topic
}

/** Whose events a composable hears. */
export interface OfTopic<TopicEvents> {
  /** A handle, as `useTopic` gives it; while it is `null`, nothing is heard. Default: the stream. */
  topic: MaybeRefOrGetter<Topic<TopicEvents> | null>
}
type Source = Heard<EventMap> | null

const useSource = ({ topic }: { topic?: MaybeRefOrGetter<unknown> } = {}): (() => Source) => {
  const stream = useStream()
  return () => (topic === undefined ? stream.value : toValue(topic)) as Source
}

const topicOf = (options: object) =>
  'topic' in options ? { topic: options.topic as MaybeRefOrGetter<unknown> } : undefined

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
  options?: { topic?: MaybeRefOrGetter<unknown> } & ListenOptions,
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
  options: { topic?: MaybeRefOrGetter<unknown> } & ClaimOptions,
): void {
  follow(useSource(options), (heard) => heard.claim(type, handler as (payload: unknown) => unknown, options))
}

/** @returns the payload of the newest event of the type, of the log's first; `undefined`: none yet */
export function useLatest<Type extends TypeOf<Events>>(
  type: Type,
): Readonly<ShallowRef<Events[Type] | undefined>>
export function useLatest<TopicEvents, Type extends TypeOf<TopicEvents>>(
  type: Type,
  options: OfTopic<TopicEvents>,
): Readonly<ShallowRef<TopicEvents[Type] | undefined>>
export function useLatest(
  type: string,
  options?: { topic: MaybeRefOrGetter<unknown> },
): Readonly<ShallowRef<unknown>> {
  const latest = shallowRef<unknown>()
  follow(useSource(options), (heard) => {
    const off = followLatest(heard, type, (payload) => {
      latest.value = payload
    })
    return () => {
      off()
      latest.value = undefined
    }
  })
  return latest
}

/**
 * `state()` of the stream, or of `topic`, for as long as the component is mounted. A server renders it `loading`.
 *
 * @param options a ref or a getter may give another `key` later, which is another state
 */
export function useStreamState<Value>(
  options: MaybeRefOrGetter<StateOptions<Events, Value>>,
): Readonly<ShallowRef<StateCurrent<Value>>>
export function useStreamState<TopicEvents, Value>(
  options: MaybeRefOrGetter<StateOptions<TopicEvents, Value> & OfTopic<TopicEvents>>,
): Readonly<ShallowRef<StateCurrent<Value>>>
export function useStreamState(given: unknown): Readonly<ShallowRef<StateCurrent<unknown>>> {
  const options = given as MaybeRefOrGetter<StateOptions<EventMap, unknown>>
  const source = useSource(topicOf(toValue(options)))
  const key = computed(() => toValue(options).key)
  const current = shallowRef<StateCurrent<unknown>>(LOADING)
  const asked = computed(() => {
    const heard = source()
    return heard && { heard, key: key.value }
  })
  follow(asked, ({ heard }) =>
    followState(heard, toValue(options), (next) => {
      current.value = next
    }),
  )
  return current
}

/**
 * @param select what the component uses of the status; it renders anew only when that changes. A new object or list
 *   with the same properties is no change. Default: all of it
 */
export const useStatus = <Selected = Status>(
  select: (status: Status) => Selected = (status) => status as Selected,
): ComputedRef<Selected> => {
  const provided = useProvided()
  const status = shallowRef(provided.value.status)
  follow(provided, (is) => {
    status.value = is.stream?.status ?? is.status
    return (
      is.stream?.onStatus((next) => {
        status.value = next
      }) ?? (() => {})
    )
  })
  return computed((former) => {
    const selected = select(status.value)
    return former !== undefined && isSame(former, selected) ? former : selected
  })
}
