import { iterate } from './event-iterator.ts'
import type { Listener, StreamEvent } from './listeners.ts'

type Iterated = StreamEvent & { payload: unknown }

/** The `events()` iterators of one stream, and what their consumers have not taken yet. */
export const createIterations = (on: (type: string, listener: Listener) => () => void) => {
  /** Full iterators: the batch is acknowledged once they have room again. */
  const pressure = new Set<Promise<void>>()
  const open = new Set<() => void>()
  let closed = false

  return {
    events(type: string, { signal }: { signal?: AbortSignal } = {}): AsyncIterableIterator<Iterated> {
      const iterator = iterate<Iterated>((push, end) => {
        const off = on(type, (payload, event) => {
          const full = push({ ...event, payload })
          if (full === undefined) return
          pressure.add(full)
          void full.then(() => pressure.delete(full))
        })
        open.add(end)
        return () => {
          off()
          open.delete(end)
        }
      }, signal)
      if (closed) void iterator.return?.()
      return iterator
    },
    /** Resolves once every one has room. */
    taken: (): Promise<unknown> => Promise.all(pressure),
    close() {
      closed = true
      for (const end of [...open]) end()
    },
  }
}
