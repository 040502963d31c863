import { describe, expect, it } from 'vitest'
import { isFullRead, oneRead, sizeOf, upToLimit } from '../../../../worker/log/one-read.ts'

const logged = (seq: number, data = '') => ({
  seq,
  id: '',
  hasOwnId: false,
  type: 'm',
  data,
  at: seq,
  topic: null,
})
const run = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => logged(from + index))
const seqs = (events: { seq: number }[]) => events.map(({ seq }) => seq)

describe('one read', () => {
  it('is at most 2,000 events', () => {
    expect(seqs(oneRead(run(1, 5_000), 3))).toEqual(seqs(run(4, 2_003)))
  })

  it('is about 1 Mi characters, and at least one event', () => {
    const large = [1, 2, 3].map((seq) => logged(seq, 'x'.repeat(600_000)))
    expect(seqs(oneRead(large, 0))).toEqual([1, 2])
    expect(seqs(oneRead([logged(1, 'x'.repeat(5_000_000)), logged(2)], 0))).toEqual([1])
    expect(oneRead(large, 3)).toEqual([])
    expect(isFullRead(1_999, 1_048_575)).toBe(false)
    expect(isFullRead(2_000, 0)).toBe(true)
    expect(isFullRead(1, 1_048_576)).toBe(true)
  })
})

describe('what an event costs', () => {
  it('B2 is its id, its type and its data: a server may send long ids and no data', () => {
    expect(sizeOf({ id: '12', type: 'abc', data: 'defg' })).toBe(9)
    expect(sizeOf({ id: '12', type: null, data: '' })).toBe(2)
    const long = run(1, 9).map((event) => ({ ...event, id: 'i'.repeat(99) }))
    expect(seqs(upToLimit(long, 2, { events: 5, size: 250 }))).toEqual([3, 4, 5])
  })
})
