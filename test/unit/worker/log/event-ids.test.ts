import { describe, expect, it } from 'vitest'
import { createEventIds } from '../../../../worker/log/event-ids.ts'

const logged = (seq: number, id: string, hasOwnId = true) => ({
  seq,
  id,
  hasOwnId,
  topic: null,
  type: 'message',
  data: '',
  at: 0,
})

describe('D3 the own ids of a log', () => {
  it('knows every place at which an id stands, oldest first', () => {
    const eventIds = createEventIds()
    for (const event of [logged(1, 'a'), logged(2, 'b'), logged(3, 'a')]) eventIds.add(event)
    expect(eventIds.seqsOf('a')).toEqual([1, 3])
    expect(eventIds.seqsOf('b')).toEqual([2])
    expect(eventIds.seqsOf('c')).toEqual([])
  })

  it('does not know an inherited id', () => {
    const eventIds = createEventIds()
    eventIds.add(logged(1, 'a', false))
    expect(eventIds.seqsOf('a')).toEqual([])
  })

  it('forgets what lies before the first event of the log, and no more', () => {
    const eventIds = createEventIds()
    for (const event of [logged(1, 'a'), logged(2, 'b'), logged(4, 'a'), logged(5, 'c')]) eventIds.add(event)
    eventIds.trim(4)
    expect(eventIds.seqsOf('a')).toEqual([4])
    expect(eventIds.seqsOf('b')).toEqual([])
    expect(eventIds.seqsOf('c')).toEqual([5])
    eventIds.clear()
    expect(eventIds.seqsOf('c')).toEqual([])
  })
})
