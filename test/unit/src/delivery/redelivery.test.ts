import { beforeEach, describe, expect, it } from 'vitest'
import { createRedelivery, type Redelivery } from '../../../../src/delivery/redelivery.ts'
import type { LoggedEvent } from '../../../../src/shared/events.ts'

const event = (seq: number, over: Partial<LoggedEvent> = {}): LoggedEvent => ({
  seq,
  id: `${seq}`,
  hasOwnId: true,
  topic: null,
  type: 'message',
  data: `data of ${seq}`,
  at: seq,
  ...over,
})

describe('D2 what a tab has had and gets again', () => {
  let redelivery: Redelivery

  beforeEach(() => {
    redelivery = createRedelivery()
  })

  it('asking changes nothing: the answer is the same until the event is settled', () => {
    redelivery.remember([event(1)], 0)
    redelivery.rewind(0)
    const again = event(7, { id: '1', data: 'data of 1', at: 99 })
    for (const _ of [1, 2, 3])
      expect([redelivery.isLost(again), redelivery.isRepeated(again)]).toEqual([true, true])
    redelivery.settle(again)
    expect([redelivery.isLost(again), redelivery.isRepeated(again)]).toEqual([false, false])
  })

  it('D3 an event that the server has sent twice is lost twice, however often the log is taken back', () => {
    const twin = (seq: number) => event(seq, { id: 'fixed', data: 'tick' })
    redelivery.remember([twin(1), twin(2)], 0)
    redelivery.rewind(1)
    redelivery.rewind(0)
    for (const seq of [5, 6]) {
      expect(redelivery.isRepeated(twin(seq))).toBe(true)
      redelivery.settle(twin(seq))
    }
    expect(redelivery.isRepeated(twin(7))).toBe(false)
  })

  it('nothing is repeated before a log is taken back', () => {
    redelivery.remember([event(1), event(2)], 0)
    expect(redelivery.isRepeated(event(1))).toBe(false)
  })

  it('only what lay beyond the place that the log was taken back to is lost', () => {
    redelivery.remember([event(1), event(2), event(3)], 0)
    redelivery.rewind(2)
    expect([1, 2, 3].map((seq) => redelivery.isLost(event(seq)))).toEqual([false, false, true])
  })

  it('a committed event is known by id, type and size, an uncommitted one by its data', () => {
    redelivery.remember([event(1), event(2)], 1)
    redelivery.rewind(0)
    expect(redelivery.isLost(event(1, { data: 'DATA OF 1' }))).toBe(true)
    expect(redelivery.isLost(event(2, { data: 'DATA OF 2' }))).toBe(false)
  })

  it('an event without an id is known by its time as well', () => {
    const tick = (at: number) => event(at, { id: 'x', hasOwnId: false, data: 'tick', at })
    redelivery.remember([tick(5), tick(6)], 0)
    redelivery.rewind(0)
    expect(redelivery.isRepeated(tick(6))).toBe(true)
    // Older than what the tab has had: a hub that knew nothing of it kept it back.
    expect(redelivery.isRepeated(tick(4))).toBe(true)
    expect(redelivery.isRepeated(tick(7))).toBe(false)
  })

  it('a rewind says whether the server can send again what was lost: an event without an id is gone', () => {
    redelivery.remember([event(1), event(2, { hasOwnId: false })], 0)
    expect([redelivery.rewind(2), redelivery.rewind(1), redelivery.rewind(0)]).toEqual([false, false, true])
  })

  it('another log begins with nothing remembered', () => {
    redelivery.remember([event(1)], 0)
    redelivery.rewind(0)
    redelivery.clear()
    expect(redelivery.isRepeated(event(1))).toBe(false)
    expect(redelivery.rewind(0)).toBe(false)
  })

  it('10,000 uncommitted events are remembered, and 1,000 committed ones', () => {
    const many = Array.from({ length: 10_001 }, (_, index) => event(index + 1))
    redelivery.remember(many, 0)
    redelivery.rewind(0)
    expect([1, 2].map((seq) => redelivery.isLost(event(seq)))).toEqual([false, true])
    redelivery.clear()
    redelivery.remember(many, 10_001)
    redelivery.rewind(0)
    expect([9_001, 9_002].map((seq) => redelivery.isLost(event(seq)))).toEqual([false, true])
  })
})
