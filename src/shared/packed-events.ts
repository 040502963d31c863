import type { LoggedEvent } from './events.ts'
import type { Batch, PackedBatch } from './protocol.ts'

/**
 * Events as they cross the port. A list of objects would cost four times as much to clone.
 */
export interface PackedEvents {
  /**
   * Four numbers for each event. The first two are by how much its seq and its time exceed those of the event before.
   * The third is twice the index of its type, plus 1 if the id is its own. The fourth is the length of its data.
   */
  numbers: number[]
  types: string[]
  /** Ids are not part of `text`: an id that an application keeps would keep the whole text alive. */
  ids: string[]
  /** The data of all events, one after the other. */
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
    // Differences are small numbers: a clone stores each in two bytes, and a time in nine.
    numbers.push(seq - lastSeq, at - lastAt, index * 2 + Number(own), data.length)
    lastSeq = seq
    lastAt = at
    ids.push(id)
    text += data
  }
  return { numbers, types, ids, text }
}

/** Gets back the events that `pack` packed. */
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
