import type { LoggedEvent } from './events.ts'
import type { Batch, PackedBatch } from './protocol.ts'

/**
 * Events as they cross the port. A list of objects would cost four times as much to clone.
 */
export interface PackedEvents {
  /**
   * Four numbers for each event. The first two are by how much its seq and its time exceed those of the event before.
   * The third is twice the index of its type and topic, plus 1 if the id is its own. The fourth is the length of its
   * data.
   */
  numbers: number[]
  types: string[]
  /** The topics that stand with the types. Left out: none of these events has a topic. */
  topics?: (string | null)[]
  /** Ids are not part of `text`: an id that an application keeps would keep the whole text alive. */
  ids: string[]
  /** The data of all events, one after the other. */
  text: string
}

/** The hub packs one list for all tabs that follow the same. */
export const pack = (events: LoggedEvent[]): PackedEvents => {
  const types: string[] = []
  const topics: (string | null)[] = []
  let hasTopics = false
  const indices = new Map<string, number>()
  const numbers: number[] = []
  const ids: string[] = []
  let text = ''
  let [lastSeq, lastAt] = [0, 0]
  for (const { seq, id, hasOwnId: own, type, data, at, topic } of events) {
    // A type has no line break in it (9.2.6).
    const kind = topic === null ? type : `${topic}\n${type}`
    let index = indices.get(kind)
    if (index === undefined) {
      index = types.push(type) - 1
      topics.push(topic)
      hasTopics ||= topic !== null
      indices.set(kind, index)
    }
    // Differences are small numbers: a clone stores each in two bytes, and a time in nine.
    numbers.push(seq - lastSeq, at - lastAt, index * 2 + Number(own), data.length)
    lastSeq = seq
    lastAt = at
    ids.push(id)
    text += data
  }
  return { numbers, types, ...(hasTopics && { topics }), ids, text }
}

/** Gets back the events that `pack` packed. */
export const unpackEvents = ({ numbers, types, topics, ids, text }: PackedEvents): LoggedEvent[] => {
  let [next, start, seq, at] = [0, 0, 0, 0]
  const number = () => numbers[next++]!
  const one = (id: string) => {
    seq += number()
    at += number()
    const kind = number()
    const end = start + number()
    const data = text.slice(start, end)
    start = end
    const index = kind >> 1
    return {
      seq,
      id,
      hasOwnId: kind % 2 === 1,
      type: types[index]!,
      data,
      at,
      topic: topics?.[index] ?? null,
    }
  }
  return ids.map(one)
}

export const unpack = ({ events, ...batch }: PackedBatch): Batch => ({
  ...batch,
  events: unpackEvents(events),
})
