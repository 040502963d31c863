import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryTail } from '../../../../worker/log/memory-tail.ts'
import { isFullRead, oneRead, sizeOf } from '../../../../worker/log/one-read.ts'

const logged = (seq: number, data = '') => ({ seq, id: '', hasOwnId: false, type: 'm', data, at: seq })
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
