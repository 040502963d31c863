import type { LoggedEvent } from './events.ts'
import type { Batch, PackedBatch } from './protocol.ts'

/**
 * Events as they cross the port. A list of objects costs four times as much to clone, and one list serves all tabs
 * that follow the same.
 */
export interface PackedEvents {
  /**
   * Four an event: by how much its seq and its time are beyond those of the one before, twice the index of its type
   * (plus one: the id is its own), and the length of its data.
   */
  numbers: number[]
  types: string[]
  /** Not in `text`: an id that an application keeps would keep all of that alive. */
  ids: string[]
  /** The data, one after the other. */
  text: string
}

/** The hub packs one list for all tabs that follow the same. */
export const pack = (events: LoggedEvent[]): PackedEvents => {
  const types: string[] = []
  const indices = new Map<string, number>()
  const numbers: number[] = []
  const ids: string[] = []
  let text = ''
  let [lastSeq, lastAt] = [0, 0]
  for (const { seq, id, hasOwnId: own, type, data, at } of events) {
    let index = indices.get(type)
    if (index === undefined) {
      index = types.push(type) - 1
      indices.set(type, index)
    }
    // Small ones take two bytes, those of a clock nine.
    numbers.push(seq - lastSeq, at - lastAt, index * 2 + Number(own), data.length)
    lastSeq = seq
    lastAt = at
    ids.push(id)
    text += data
  }
  return { numbers, types, ids, text }
}

/** Gets the events back that the worker packed (worker/pack.ts). */
export const unpackEvents = ({ numbers, types, ids, text }: PackedEvents): LoggedEvent[] => {
  let [next, start, seq, at] = [0, 0, 0, 0]
  const number = () => numbers[next++]!
  const one = (id: string) => {
    seq += number()
    at += number()
    const kind = number()
    const end = start + number()
    const data = text.slice(start, end)
    start = end
    return { seq, id, hasOwnId: kind % 2 === 1, type: types[kind >> 1]!, data, at }
  }
  return ids.map(one)
}

export const unpack = ({ events, ...batch }: PackedBatch): Batch => ({
  ...batch,
  events: unpackEvents(events),
})
