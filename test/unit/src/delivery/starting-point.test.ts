import { describe, expect, it } from 'vitest'
import { createStartingPoint } from '../../../../src/delivery/starting-point.ts'
import type { LoggedEvent } from '../../../../src/shared/events.ts'

const event = (seq: number, id = `${seq}`, hasOwnId = true): LoggedEvent => ({
  seq,
  id,
  hasOwnId,
  topic: null,
  type: 'message',
  data: '',
  at: 0,
})
const at = (seq: number, epoch = 'a') => ({ epoch, seq })

/** A tab that began after seq 3, whose log was then taken back to its beginning. */
const takenBack = (id: string | null = '3', isLost = (_: LoggedEvent) => false) => {
  const point = createStartingPoint(isLost)
  point.set(at(3), id)
  point.resume(at(0), null, true)
  return point
}
/** Of these events, the next ones of the log, those from before the point. */
const preceding = (point: ReturnType<typeof takenBack>, events: LoggedEvent[]) =>
  events
    .filter((each) => {
      const precedes = point.precedes(each)
      point.pass(each)
      return precedes
    })
    .map(({ id }) => id)

describe('D5 where a tab began', () => {
  it('asking changes nothing: the answer is the same until the event has come by', () => {
    const point = takenBack()
    for (const _ of [1, 2, 3]) expect(point.precedes(event(1))).toBe(true)
    expect(preceding(point, [event(1), event(2), event(3), event(4)])).toEqual(['1', '2', '3'])
    expect(point.precedes(event(1))).toBe(false)
  })

  it('is not set before the first welcome', () => {
    const point = createStartingPoint(() => false)
    expect(point.isSet()).toBe(false)
    point.resume(at(0), null, true)
    point.took(event(1))
    expect([point.isSet(), point.precedes(event(1))]).toEqual([false, false])
    point.set(at(3), '3')
    expect(point.isSet()).toBe(true)
  })

  it.each<[string, number, string, string | null, boolean, boolean]>([
    ['the same place', 3, 'a', '3', true, false],
    ['another log', 0, 'b', null, true, false],
    ['its beginning', 0, 'a', null, true, true],
    ['before the point, by its id', 2, 'a', '2', false, true],
    ['a lower seq, but the same last event', 2, 'a', '3', true, false],
    ['a lower seq of which no id is known, and what was had comes again', 2, 'a', null, true, true],
    ['a lower seq of which no id is known, and nothing comes again', 2, 'a', null, false, false],
  ])('a log that goes on at %s', (_, seq, epoch, id, isSentAgain, isEarly) => {
    const point = createStartingPoint(() => false)
    point.set(at(3), '3')
    point.resume(at(seq, epoch), id, isSentAgain)
    expect(point.precedes(event(1))).toBe(isEarly)
  })

  it('ends with its last event, whatever the count', () => {
    expect(preceding(takenBack(), [event(1), event(2, '3'), event(3, '4')])).toEqual(['1', '3'])
  })

  it('ends at its seq where its last event does not come', () => {
    expect(preceding(takenBack('gone'), [event(1), event(2), event(3), event(4)])).toEqual(['1', '2', '3'])
  })

  it('an event without an id is new, and moves the rest by one', () => {
    expect(
      preceding(takenBack('gone'), [event(1), event(2, 'x', false), event(3), event(4), event(5)]),
    ).toEqual(['1', '3', '4'])
  })

  it('ends before an event that the tab has had', () => {
    const point = takenBack('gone', ({ id }) => id === '2')
    expect(preceding(point, [event(1), event(2), event(3)])).toEqual(['1'])
  })

  it('lies right before the first event that the tab takes', () => {
    const point = createStartingPoint(() => false)
    point.set(at(3), '3')
    point.took(event(6))
    point.took(event(9))
    point.resume(at(0), null, true)
    expect(preceding(point, [event(4), event(5), event(6)])).toEqual(['4', '5'])
  })
})
