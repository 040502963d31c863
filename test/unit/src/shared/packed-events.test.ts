import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pack, unpack } from '../../../../src/shared/packed-events.ts'

const batch = {
  epoch: 'e',
  rewind: null,
  to: 9,
  term: 1,
  leaders: null,
  committedUpTo: 0,
  lastEventId: null,
  streamClient: 'client',
  reset: null,
  topics: null,
}

describe('events on their way through a port', () => {
  it('come out as they went in, whatever is in them', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const event = fc.record({
      seq: fc.nat(),
      id: text,
      hasOwnId: fc.boolean(),
      topic: fc.constantFrom(null, null, 'a', 'chat/1'),
      type: fc.constantFrom('message', 'a', 'b', ''),
      data: text,
      at: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const packed = structuredClone(pack(events))
        expect(unpack({ ...batch, events: packed })).toEqual({ ...batch, events })
      }),
    )
  })
})
