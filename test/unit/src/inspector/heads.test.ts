import { beforeEach, describe, expect, it } from 'vitest'
import { createHeads } from '../../../../src/inspector/heads.ts'
import type { EventHead } from '../../../../src/shared/inspection.ts'

describe('the heads that an inspector has loaded', () => {
  let heads: ReturnType<typeof createHeads>
  const make = (from: number, to: number): EventHead[] =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => ({
      seq: from + at,
      id: String(from + at),
      type: 'note',
      topic: null,
      control: null,
      at: 0,
      size: 1,
    }))
  const take = (from: number, to: number, log: { first?: number; head?: number; epoch?: string } = {}) => {
    const { first = 1, head = to, epoch = 'one' } = log
    heads.take({
      log: { first, head, epoch, committed: head, durable: true, lastEventId: '', newest: 0, topics: {} },
      heads: make(from, to),
    })
  }
  const span = () => [heads.all()[0]?.seq, heads.all().at(-1)?.seq, heads.all().length]

  beforeEach(() => {
    heads = createHeads(100)
  })

  it('asks for a page first, and then only for what is new', () => {
    expect(heads.next()).toEqual({ last: 100 })
    take(901, 1_000)
    expect(heads.next()).toEqual({ last: 500, after: 1_000 })
    take(1_001, 1_003)
    expect(span()).toEqual([901, 1_003, 103])
    take(1, 0, { head: 1_003 })
    expect(span()).toEqual([901, 1_003, 103])
  })

  it('have no hole: where more came than one answer brings, they begin anew', () => {
    take(1, 10)
    take(600, 1_099)
    expect(span()).toEqual([600, 1_099, 500])
    expect(heads.hasOlder(1)).toBe(true)
    heads.prepend(make(500, 599))
    heads.prepend(make(500, 599))
    expect(span()).toEqual([500, 1_099, 600])
  })

  it('forget what the log has trimmed, and all of it with its epoch', () => {
    take(1, 10)
    take(11, 12, { first: 5 })
    expect(span()).toEqual([5, 12, 8])
    take(13, 14, { first: 13, epoch: 'two' })
    expect(span()).toEqual([13, 14, 2])
    take(1, 0, { first: 15, head: 14, epoch: 'three' })
    expect(heads.all()).toEqual([])
  })

  it('are dropped where another leader’s log ends before them', () => {
    take(1, 10)
    take(1, 0, { head: 7 })
    expect(heads.next()).toEqual({ last: 100 })
  })

  it('do not grow for ever', () => {
    for (let from = 1; from <= 5_000; from += 500) take(from, from + 499)
    expect(span()).toEqual([3_001, 5_000, 2_000])
  })
})
