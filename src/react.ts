import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type { ListenOptions, StreamEvent } from './delivery/listeners.ts'
import { idleStatus } from './idle-status.ts'
import { localError } from './shared/local-error.ts'
import type { Status } from './shared/status.ts'
import type { EventMap, Stream, TypeOf } from './stream.ts'

/**
 * Declares the application's stream once, for all hooks:
 * `declare module 'tabstream/react' { interface Register { stream: Stream<Events> } }`
 */
// biome-ignore lint/suspicious/noEmptyInterface: an application adds to it
export interface Register {}

/** The declared event map; without a declaration, any type with an unknown payload. */
export type RegisteredEvents = Register extends { stream: Stream<infer Events> } ? Events : EventMap
type Events = RegisteredEvents

/** What hooks need of the provider above them. */
interface Provided {
  stream: Stream<Events> | null
  /** The status while there is no stream. */
  status: Status
}

/** What a server renders, and the first render of a page before the stream is there. */
const NO_STREAM: Provided = { stream: null, status: idleStatus(0) }

const StreamContext = createContext<Provided | undefined>(undefined)

export interface StreamProviderProps {
  /**
   * Makes the stream, in the browser only, once for each mount; it is closed at the unmount. For another user give
   * the provider another `key`.
   */
  connect?: () => Stream<Events>
  /** A stream that somebody else opens and closes, in place of `connect`. */
  stream?: Stream<Events>
  children?: ReactNode
}

/** As `useStatus` shows it: the page below works without a stream. */
const failedStatus = (cause: unknown): Status => {
  const error = localError('worker', String(cause), 'failed')
  return { ...NO_STREAM.status, state: 'failed', since: error.at, error }
}

/** The stream for all hooks below it. Where `connect` throws, the tree stays and the status is `failed`. */
export const StreamProvider = ({ connect, stream, children }: StreamProviderProps): ReactElement => {
  const [own, setOwn] = useState(NO_STREAM)
  const first = useRef(connect)
  useEffect(() => {
    // The stream opens in an effect: a server runs no effects, and a render that is thrown away must open nothing.
    try {
      const opened = first.current?.()
      if (opened === undefined) return
      setOwn({ ...NO_STREAM, stream: opened })
      return () => {
        opened.close()
        setOwn(NO_STREAM)
      }
    } catch (error) {
      // As an uncaught one: seen in the console and by error trackers. Thrown on, it would take the tree down.
      reportError(error)
      setOwn({ stream: null, status: failedStatus(error) })
    }
  }, [])
  const given = useMemo(() => (stream ? { ...NO_STREAM, stream } : null), [stream])
  return createElement(StreamContext.Provider, { value: given ?? own }, children)
}

const useProvided = (): Provided => {
  const provided = useContext(StreamContext)
  if (provided === undefined) throw new Error('tabstream: there is no <StreamProvider> above this component.')
  return provided
}

/** @returns the stream; `null` on a server, before the provider has made it, and where it could not */
export const useStream = (): Stream<Events> | null => useProvided().stream

/** Runs the latest `listener` at each event of the type, as `stream.on` does. Renders nothing. */
export const useEvent = <Type extends TypeOf<Events>>(
  type: Type,
  listener: (payload: Events[Type], event: StreamEvent<Type>) => void,
  options?: ListenOptions,
): void => {
  const stream = useStream()
  const latest = useRef(listener)
  // An insertion effect runs before all other effects, so that no event meets the listener of an earlier render.
  useInsertionEffect(() => {
    latest.current = listener
  })
  useEffect(
    () => stream?.on(type, (payload, event) => latest.current(payload, event), options),
    [stream, type, options?.urgent],
  )
}

/** @returns the payload of the latest event of the type since this component mounted; `undefined`: none yet */
export const useLatest = <Type extends TypeOf<Events>>(type: Type): Events[Type] | undefined => {
  const stream = useStream()
  const store = useMemo(() => {
    let value: Events[Type] | undefined
    return {
      subscribe: (onChange: () => void) =>
        stream?.on(type, (payload) => {
          value = payload
          onChange()
        }) ?? (() => {}),
      read: () => value,
    }
  }, [stream, type])
  return useSyncExternalStore(store.subscribe, store.read, () => undefined)
}

/** Whether a component would show the same: equal, or lists or plain objects with equal properties. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  // What a Date or a Set holds is no property.
  const kind = a.constructor
  if (kind !== b.constructor || (kind !== Object && kind !== Array)) return false
  const [one, two] = [Object.entries(a), Object.entries(b)]
  return (
    one.length === two.length &&
    one.every(([key, value]) => Object.is(value, (b as Record<string, unknown>)[key]))
  )
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
