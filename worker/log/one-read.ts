/**
 * The most events that one read gives, and one batch takes. A message to a tab costs the browser up to a ms, whatever
 * is in it: in a flood, batches of 2,000 events reach six tabs 1.4 times as fast as batches of 500. A tab works
 * through a batch in tasks of its own length (src/delivery/short-tasks.ts).
 */
export const READ_EVENTS = 2_000
const READ_SIZE = 1024 * 1024

interface Sized {
  id: string
  /** `null`: an id that came without an event. */
  type: string | null
  data: string
}

/** An event's size, in characters. Id and type count too: a server may send long ids and no data. */
export const sizeOf = ({ id, type, data }: Sized): number => id.length + (type?.length ?? 0) + data.length

/** As many of `events`, from `from` on, as lie within `most`: at least one, if there is any. `size` in characters. */
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

/** As much of `events`, from `from` on, as one read takes. */
export const oneRead = <Each extends Sized>(events: Each[], from: number): Each[] =>
  upToLimit(events, from, { events: READ_EVENTS, size: READ_SIZE })

/** Whether a read of this many events and characters is full. */
export const isFullRead = (count: number, size: number): boolean => count >= READ_EVENTS || size >= READ_SIZE
