import type { Batch, PackedBatch } from './protocol.ts'

/** Gets the events back that the worker packed (worker/pack.ts). */
export const unpack = ({ events, ...batch }: PackedBatch): Batch => {
  const { numbers, types, ids, text } = events
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
  return { ...batch, events: ids.map(one) }
}
