import type { LoggedEvent, PackedEvents } from '../src/protocol.ts'

/** The other half of src/unpack.ts. */
export const pack = (events: LoggedEvent[]): PackedEvents => {
  const types: string[] = []
  const indices = new Map<string, number>()
  const numbers: number[] = []
  const ids: string[] = []
  let text = ''
  for (const { seq, id, own, type, data, at } of events) {
    let index = indices.get(type)
    if (index === undefined) {
      index = types.push(type) - 1
      indices.set(type, index)
    }
    numbers.push(seq, at, index * 2 + Number(own), data.length)
    ids.push(id)
    text += data
  }
  return { numbers, types, ids, text }
}
