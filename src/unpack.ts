import type { Batch, LoggedEvent, PackedBatch, PackedEvents } from './protocol.ts'

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
    return { seq, id, own: kind % 2 === 1, type: types[kind >> 1]!, data, at }
  }
  return ids.map(one)
}

export const unpack = ({ events, ...batch }: PackedBatch): Batch => ({
  ...batch,
  events: unpackEvents(events),
})
