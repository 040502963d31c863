import type { Follow, LoggedEvent } from '../shared/events.ts'
import { createSignal } from './listener-set.ts'

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

/** Which listener hears which type, and that data is parsed once, and only if anybody listens. */
export const createListeners = (
  parse: (data: string, type: string) => unknown,
  onInvalid: (type: string, cause: unknown) => void,
) => {
  const byType = new Map<string, ReturnType<typeof createSignal<[payload: unknown, event: StreamEvent]>>>()

  return {
    /** @returns removes it again */
    add(type: string, listener: Listener): () => void {
      const signal = byType.get(type) ?? createSignal()
      byType.set(type, signal)
      const remove = signal.on(listener)
      return () => {
        remove()
        if (signal.isEmpty() && byType.get(type) === signal) byType.delete(type)
      }
    },
    follow: (): Follow => (byType.has('*') ? '*' : [...byType.keys()].sort()),
    dispatch({ type, id, data, at }: LoggedEvent) {
      const heard = [byType.get(type), type === '*' ? undefined : byType.get('*')]
      if (heard.every((signal) => signal === undefined)) return
      let payload: unknown
      try {
        payload = parse(data, type)
      } catch (error) {
        return onInvalid(type, error)
      }
      for (const signal of heard) signal?.emit(payload, { type, id, data, receivedAt: at })
    },
  }
}
