import type { LoggedEvent, PackedEvents } from '../src/protocol.ts'

/** The other half of src/unpack.ts. */
export const pack = (events: LoggedEvent[]): PackedEvents => {
  const types: string[] = []
  const indices = new Map<string, number>()
  const numbers: number[] = []
  const ids: string[] = []
  let text = ''
  let [lastSeq, lastAt] = [0, 0]
  for (const { seq, id, own, type, data, at } of events) {
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
