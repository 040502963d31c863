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
import type { StreamEvent } from './delivery/listeners.ts'
import { idleStatus } from './idle-status.ts'
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

const StreamContext = createContext<Stream<Events> | null | undefined>(undefined)

/** What a server renders, and the first render of a page before the stream is there. */
const NO_STATUS = idleStatus(0)

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

/** The stream for all hooks below it. */
export const StreamProvider = ({ connect, stream, children }: StreamProviderProps): ReactElement => {
  const [own, setOwn] = useState<Stream<Events> | null>(null)
  const first = useRef(connect)
  useEffect(() => {
    // An effect, not a render: a server never runs it, and a render that is thrown away opens nothing.
    const opened = first.current?.()
    if (opened === undefined) return
    setOwn(opened)
    return () => {
      opened.close()
      setOwn(null)
    }
  }, [])
  return createElement(StreamContext.Provider, { value: stream ?? own }, children)
}

/** @returns the stream; `null` on a server and before the provider has made it */
export const useStream = (): Stream<Events> | null => {
  const stream = useContext(StreamContext)
  if (stream === undefined) throw new Error('tabstream: there is no <StreamProvider> above this component.')
  return stream
}

/** Runs the latest `listener` at each event of the type, as `stream.on` does. Renders nothing. */
export const useEvent = <Type extends TypeOf<Events>>(
  type: Type,
  listener: (payload: Events[Type], event: StreamEvent<Type>) => void,
): void => {
  const stream = useStream()
  const latest = useRef(listener)
  // Before any effect of this commit: an event never meets the listener of an earlier render.
  useInsertionEffect(() => {
    latest.current = listener
  })
  useEffect(() => stream?.on(type, (payload, event) => latest.current(payload, event)), [stream, type])
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

/**
 * @param select what the component uses of the status; it renders anew only when that changes (`Object.is`).
 *   Default: all of it
 */
export const useStatus = <Selected = Status>(
  select: (status: Status) => Selected = (status) => status as Selected,
): Selected => {
  const stream = useStream()
  const subscribe = useMemo(
    () => (onChange: () => void) => stream?.onStatus(onChange) ?? (() => {}),
    [stream],
  )
  return useSyncExternalStore(
    subscribe,
    () => select(stream?.status ?? NO_STATUS),
    () => select(NO_STATUS),
  )
}
