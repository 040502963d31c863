import type { LoggedEvent } from '../../src/shared/events.ts'
import { oneRead, sizeOf } from './one-read.ts'

/** The newest events of a log, in memory, without holes. */
export interface MemoryTail {
  /** seq of the oldest; `null`: it is empty. */
  first(): number | null
  at(seq: number): LoggedEvent | undefined
  push(event: LoggedEvent): void
  /** As many events after `seq` as one read takes. `seq` must not lie before the tail. */
  after(seq: number): LoggedEvent[]
  /** All after `seq`. */
  since(seq: number): LoggedEvent[]
  /** Forgets the oldest while `isTooMuch` says so. */
  trim(isTooMuch: (oldest: LoggedEvent, count: number, size: number) => boolean): void
  /** Forgets what lies beyond `seq`. */
  cut(seq: number): void
  clear(): void
}

export const createMemoryTail = (): MemoryTail => {
  let events: LoggedEvent[] = []
  let size = 0
  const indexAfter = (seq: number) => Math.max(0, seq + 1 - (events[0]?.seq ?? 0))

  return {
    first: () => events[0]?.seq ?? null,
    at: (seq) => events[seq - (events[0]?.seq ?? 0)],
    push(event) {
      events.push(event)
      size += sizeOf(event)
    },
    after: (seq) => oneRead(events, indexAfter(seq)),
    since: (seq) => events.slice(indexAfter(seq)),
    trim(isTooMuch) {
      let drop = 0
      while (drop < events.length && isTooMuch(events[drop]!, events.length - drop, size)) {
        size -= sizeOf(events[drop]!)
        drop++
      }
      if (drop > 0) events = events.slice(drop)
    },
    cut(seq) {
      while (events.length > 0 && events.at(-1)!.seq > seq) size -= sizeOf(events.pop()!)
    },
    clear() {
      events = []
      size = 0
    },
  }
}
