import type { Batch, PackedBatch } from './protocol.ts'

/** Gets the events back that the worker packed (worker/pack.ts). */
export const unpack = ({ events, ...batch }: PackedBatch): Batch => {
  const { numbers, types, ids, text } = events
  let [start, seq, at] = [0, 0, 0]
  const one = (id: string, index: number) => {
    const [later, older, kind, length] = numbers.slice(index * 4, index * 4 + 4) as [
      number,
      number,
      number,
      number,
    ]
    seq += later
    at += older
    const data = text.slice(start, start + length)
    start += length
    return { seq, id, own: kind % 2 === 1, type: types[kind >> 1]!, data, at }
  }
  return { ...batch, events: ids.map(one) }
}
