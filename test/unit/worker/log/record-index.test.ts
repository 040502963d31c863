import { describe, expect, it } from 'vitest'
import type { LoggedEvent } from '../../../../src/shared/events.ts'
import { createRecordIndex, type RecordInfo, toRecords } from '../../../../worker/log/record-index.ts'

const logged = (from: number, to: number, data = 'x'): LoggedEvent[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({
    seq: from + at,
    id: '',
    hasOwnId: false,
    topic: null,
    type: 't',
    data,
    at: from + at,
  }))
const info = (first: number, last: number, size = 1): RecordInfo => ({
  first,
  last,
  size,
  at: last,
  oldestAt: first,
})
const WIDE = { events: 5_000, bytes: 1_000_000 }

describe('packing events into records', () => {
  it('makes one record a batch, of 500 events at most', () => {
    const made = toRecords(logged(5, 600), WIDE)
    expect(made.map(({ first, last, events }) => [first, last, events.length])).toEqual([
      [5, 504, 500],
      [505, 600, 96],
    ])
    expect(toRecords([], WIDE)).toEqual([])
  })

  it('knows the size of a record, and when its newest event came', () => {
    expect(toRecords(logged(1, 3, 'four'), WIDE)[0]).toMatchObject({ size: 15, at: 3 })
  })

  it('B2 at least ten records fill a log, so that trimming whole ones keeps it near its bounds', () => {
    expect(toRecords(logged(1, 30), { events: 100, bytes: 1_000_000 })).toHaveLength(3)
    expect(toRecords(logged(1, 30, 'x'.repeat(99)), { events: 5_000, bytes: 10_000 })).toHaveLength(3)
    expect(toRecords(logged(1, 3), { events: 1, bytes: 1 })).toHaveLength(3)
  })
})

describe('the account of records', () => {
  const account = (...infos: RecordInfo[]) => {
    const records = createRecordIndex()
    records.add(infos)
    return records
  }

  it('knows its first and its last, and none once it is cleared', () => {
    const records = account(info(1, 4), info(5, 9))
    expect([records.oldest()?.first, records.last()]).toEqual([1, 9])
    records.clear()
    expect([records.oldest(), records.last(), records.span(0)]).toEqual([null, null, null])
  })

  it('spans the records that one read after a seq takes', () => {
    const records = account(info(1, 4), info(5, 9), info(10, 20))
    expect(records.span(0)).toEqual({ from: 1, to: 10 })
    expect(records.span(4)).toEqual({ from: 5, to: 10 })
    expect(records.span(6)).toEqual({ from: 5, to: 10 })
    expect(records.span(19)).toEqual({ from: 10, to: 10 })
    expect(account(info(5, 9)).span(2)).toBeNull()
  })

  it('spans no more than one read, however much there is', () => {
    const records = account(...Array.from({ length: 20 }, (_, at) => info(at * 400 + 1, at * 400 + 400)))
    expect(records.span(0)).toEqual({ from: 1, to: 1_601 })
    expect(account(info(1, 1, 2 ** 20), info(2, 2)).span(0)).toEqual({ from: 1, to: 1 })
  })

  it('B2 trims the oldest while it is told to, by the size that is left', () => {
    const records = account(info(1, 1, 10), info(2, 2, 10), info(3, 3, 10))
    const sizes: number[] = []
    const tooMuch = (_: RecordInfo, size: number) => {
      sizes.push(size)
      return size > 15
    }
    expect(records.trim(tooMuch)).toBe(true)
    expect(sizes).toEqual([30, 20, 10])
    expect(records.oldest()?.first).toBe(3)
    expect(records.trim(() => false)).toBe(false)
  })
})
