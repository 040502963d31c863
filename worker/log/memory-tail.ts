import type { LoggedEvent } from '../../src/shared/events.ts'

/**
 * One read: what one batch takes. A message to a tab costs the browser up to a ms whatever is in it: in a flood, 2,000
 * events each reach six tabs 1.4 times as fast as 500. Tabs take them in tasks of their own length (src/delivery/short-tasks.ts).
 */
export const READ_EVENTS = 2_000
const READ_SIZE = 1024 * 1024

/** What counts towards a size; an event that was only a position has no type. */
interface Sized {
  id: string
  type: string | null
  data: string
}

/** Of an event, in characters. */
export const sizeOf = ({ id, type, data }: Sized): number => id.length + (type?.length ?? 0) + data.length

/** As many of `events`, from `from` on, as lie within `most`; at least one, if there is one. `size` in characters. */
export const upToLimit = <Each extends Sized>(
  events: Each[],
  from: number,
  most: { events: number; size: number },
): Each[] => {
  let end = from
  for (let size = 0; end < events.length && end - from < most.events && size < most.size; end++)
    size += sizeOf(events[end]!)
  return events.slice(from, end)
}

/** As much of `events`, from `from` on, as one read takes: at least one, if there is one. */
export const oneRead = (events: LoggedEvent[], from: number): LoggedEvent[] =>
  upToLimit(events, from, { events: READ_EVENTS, size: READ_SIZE })

/** Whether one read takes no more. */
export const isFullRead = (count: number, size: number): boolean => count >= READ_EVENTS || size >= READ_SIZE

/** The newest events of a log, in memory, without holes. */
export const createTail = () => {
  let events: LoggedEvent[] = []
  let size = 0

  return {
    first: (): number | null => events[0]?.seq ?? null,
    at: (seq: number): LoggedEvent | undefined => events[seq - (events[0]?.seq ?? 0)],
    push(event: LoggedEvent) {
      events.push(event)
      size += sizeOf(event)
    },
    /** One read after `seq`, which must not lie before the tail. */
    after: (seq: number): LoggedEvent[] =>
      events.length === 0 ? [] : oneRead(events, Math.max(0, seq + 1 - events[0]!.seq)),
    /** All after `seq`. */
    since: (seq: number): LoggedEvent[] =>
      events.length === 0 ? [] : events.slice(Math.max(0, seq + 1 - events[0]!.seq)),
    /** Forgets the oldest while `tooMuch` says so. */
    trim(tooMuch: (oldest: LoggedEvent, count: number, size: number) => boolean) {
      let drop = 0
      while (drop < events.length && tooMuch(events[drop]!, events.length - drop, size)) {
        size -= sizeOf(events[drop]!)
        drop++
      }
      if (drop > 0) events = events.slice(drop)
    },
    /** Forgets what lies beyond `seq`. */
    cut(seq: number) {
      while (events.length > 0 && events.at(-1)!.seq > seq) size -= sizeOf(events.pop()!)
    },
    clear() {
      events = []
      size = 0
    },
  }
}
