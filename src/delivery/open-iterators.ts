import { createEventIterator } from './event-iterator.ts'
import type { Listener, ListenOptions, StreamEvent } from './listeners.ts'

type Iterated = StreamEvent & { payload: unknown }

/** The `events()` iterators of one stream, and what their consumers have not taken yet. */
export interface OpenIterators {
  /** @param options `signal` ends the iteration, without an error */
  events(type: string, options?: { signal?: AbortSignal } & ListenOptions): AsyncIterableIterator<Iterated>
  /** Resolves once every iterator has room. */
  taken(): Promise<unknown>
  /** Ends all iterators, and those that are opened later. */
  close(): void
}

/**
 * @param on listens to a type, and returns the unsubscribe
 * @param full one promise for each full iterator, also of others that share one delivery. The batch is acknowledged once
 *   all of them have room again
 */
export const createOpenIterators = (
  on: (type: string, listener: Listener, options: ListenOptions) => () => void,
  full = new Set<Promise<void>>(),
): OpenIterators => {
  const open = new Set<() => void>()
  let closed = false

  return {
    events(type, { signal, ...options } = {}) {
      const iterator = createEventIterator<Iterated>((push, end) => {
        const listener: Listener = (payload, event) => {
          const room = push({ ...event, payload })
          if (room === undefined) return
          full.add(room)
          void room.then(() => full.delete(room))
        }
        const off = on(type, listener, options)
        open.add(end)
        return () => {
          off()
          open.delete(end)
        }
      }, signal)
      if (closed) void iterator.return?.()
      return iterator
    },
    taken: () => Promise.all(full),
    close() {
      closed = true
      for (const end of [...open]) end()
    },
  }
}
