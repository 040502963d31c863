import type { Follow, LoggedEvent } from './protocol.ts'

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

/** Which listener hears what, and that none harms another (D8). */
export const createListeners = (
  parse: (data: string, type: string) => unknown,
  onInvalid: (type: string, cause: unknown) => void,
) => {
  const byType = new Map<string, Set<Listener>>()

  const call = (listener: Listener, payload: unknown, event: StreamEvent) => {
    try {
      listener(payload, event)
    } catch (error) {
      // As an EventTarget does: seen in the console and by error trackers, heard by no other listener.
      reportError(error)
    }
  }

  return {
    /** @returns removes it again */
    add(type: string, listener: Listener): () => void {
      // One function added twice is two listeners, each removed by its own.
      const own: Listener = (payload, event) => listener(payload, event)
      const listeners = byType.get(type) ?? new Set()
      byType.set(type, listeners.add(own))
      return () => {
        listeners.delete(own)
        if (listeners.size === 0 && byType.get(type) === listeners) byType.delete(type)
      }
    },
    follow: (): Follow => (byType.has('*') ? '*' : [...byType.keys()].sort()),
    /** Parsed once, and only if anybody listens. */
    dispatch({ type, id, data, at }: LoggedEvent) {
      const listeners = [...(byType.get(type) ?? []), ...(type === '*' ? [] : (byType.get('*') ?? []))]
      if (listeners.length === 0) return
      let payload: unknown
      try {
        payload = parse(data, type)
      } catch (error) {
        onInvalid(type, error)
        return
      }
      const event = { type, id, data, receivedAt: at }
      for (const listener of listeners) call(listener, payload, event)
    },
  }
}
