import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryTail } from '../../../../worker/log/memory-tail.ts'
import { sizeOf } from '../../../../worker/log/one-read.ts'

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

describe('the newest events, in memory', () => {
  it('reads after any place in it as the whole list would', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.nat(2_500), fc.nat(2_500), (first, count, back) => {
        const tail = createMemoryTail()
        const all = run(first + 1, first + count)
        for (const event of all) tail.push(event)
        const after = first + count - Math.min(back, count)
        expect(seqs(tail.since(after))).toEqual(seqs(all.filter(({ seq }) => seq > after)))
        expect(seqs(tail.after(after))).toEqual(seqs(all.filter(({ seq }) => seq > after).slice(0, 2_000)))
        expect(tail.first()).toBe(count === 0 ? null : first + 1)
        expect(tail.at(after + 1)?.seq).toBe(back === 0 || count === 0 ? undefined : after + 1)
      }),
    )
  })

  it('drops the oldest for as long as it is told to, and keeps its account', () => {
    const tail = createMemoryTail()
    for (const event of run(1, 10)) tail.push(event)
    tail.trim((_, count, size) => count > 4 && size > 0)
    expect(tail.first()).toBe(7)
    expect(seqs(tail.since(0))).toEqual([7, 8, 9, 10])
    const told: [number, number, number][] = []
    tail.trim(({ seq }, count, size) => told.push([seq, count, size]) === 0)
    expect(told).toEqual([[7, 4, 4 * sizeOf(logged(7))]])
    tail.trim(() => true)
    expect(tail.first()).toBeNull()
    expect(tail.at(10)).toBeUndefined()
    expect(tail.after(0)).toEqual([])
    tail.push(logged(11))
    tail.clear()
    expect(tail.first()).toBeNull()
  })
})
