import type { From, LoggedEvent, Types } from '../shared/events.ts'
import { createListenerSet, type ListenerSet } from './listener-set.ts'
import type { Payloads } from './payloads.ts'

/** What a listener gets beside the payload. */
export interface StreamEvent<Type extends string = string> {
  type: Type
  /** The last event ID when it was dispatched; `''` if there was none. */
  id: string
  /** As it came over the wire. */
  data: string
  /** When the worker received it, in ms since 1970. */
  receivedAt: number
}

export type Listener = (payload: unknown, event: StreamEvent) => void

export interface ListenOptions {
  /** Whether a hidden tab hears such an event at once, with all that came before it (H1). Default `false`. */
  urgent?: boolean
  /**
   * Where it begins: with what is in the log already, in order, and then live (ST2). `'start'` and `last` give 1,000
   * events or 1 MiB at most. Default: live ones alone.
   */
  from?: Exclude<From, 'now'>
}

/** Which listener hears which type. An event's data is parsed once, and only if anybody listens. */
export interface Listeners {
  /** Adds a listener. @param type `'*'`: all types. @returns removes the listener again */
  add(type: string, listener: Listener, options?: ListenOptions): () => void
  /** The types that have a listener, sorted. */
  follow(): Types
  /** The types that have an urgent listener, sorted. */
  urgent(): Types
  dispatch(event: LoggedEvent): void
}

/** Each type once, sorted. */
export const typesIn = (types: Iterable<string>): Types => {
  const distinct = new Set(types)
  return distinct.has('*') ? '*' : [...distinct].sort()
}

export const createListeners = (payloads: Pick<Payloads, 'of'>): Listeners => {
  const byType = new Map<string, ListenerSet<[payload: unknown, event: StreamEvent]>>()
  /** The type of each urgent listener. */
  const urgent = new Set<{ type: string }>()

  return {
    add(type, listener, options) {
      const set = byType.get(type) ?? createListenerSet()
      byType.set(type, set)
      const remove = set.on(listener)
      const entry = { type }
      if (options?.urgent) urgent.add(entry)
      return () => {
        remove()
        urgent.delete(entry)
        if (set.isEmpty() && byType.get(type) === set) byType.delete(type)
      }
    },
    follow: () => typesIn(byType.keys()),
    urgent: () => typesIn([...urgent].map(({ type }) => type)),
    dispatch({ type, id, data, at }) {
      const sets = [byType.get(type), type === '*' ? undefined : byType.get('*')]
      if (sets.every((set) => set === undefined)) return
      payloads.of(type, data, (payload) => {
        for (const set of sets) set?.emit(payload, { type, id, data, receivedAt: at })
      })
    },
  }
}
