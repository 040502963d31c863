import { beforeEach, describe, expect, it } from 'vitest'
import { createIntake } from '../../../../src/delivery/intake.ts'
import type { LoggedEvent } from '../../../../src/shared/events.ts'
import type { Batch } from '../../../../src/shared/protocol.ts'

const logged = (seq: number, id = String(seq), own = true): LoggedEvent => ({
  seq,
  id,
  hasOwnId: own,
  type: 'message',
  data: `data of ${id}`,
  at: 0,
  topic: null,
})
const TRAIL = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
const batch = (durable: number, ...events: LoggedEvent[]): Batch => ({
  epoch: 'a',
  rewind: null,
  term: 1,
  leaders: [],
  to: events.at(-1)?.seq ?? 0,
  committedUpTo: durable,
  streamClient: 'client',
  lastEventId: events.at(-1)?.id ?? null,
  reset: null,
  topics: null,
  events,
})
const seqs = (events: LoggedEvent[]) => events.map(({ seq }) => seq)
const ids = (events: LoggedEvent[]) => events.map(({ id }) => id)

describe('D2 a tab takes nothing twice', () => {
  let intake: ReturnType<typeof createIntake>

  beforeEach(() => {
    intake = createIntake()
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
  })

  it('has no cursor before a hub has told it one', () => {
    expect(createIntake().cursor()).toBeNull()
    expect(intake.cursor()).toEqual({ epoch: 'a', seq: 0 })
  })

  it('takes new events in order, and its cursor follows', () => {
    expect(seqs(intake.take(batch(0, logged(1), logged(2))))).toEqual([1, 2])
    expect(seqs(intake.take(batch(0, logged(3))))).toEqual([3])
    expect(intake.cursor()).toEqual({ epoch: 'a', seq: 3 })
  })

  it('drops a batch that is delivered again, whole or in part', () => {
    intake.take(batch(0, logged(1), logged(2)))
    expect(intake.take(batch(0, logged(1), logged(2)))).toEqual([])
    expect(seqs(intake.take(batch(0, logged(2), logged(3))))).toEqual([3])
    expect(intake.cursor()).toEqual({ epoch: 'a', seq: 3 })
  })

  it('moves past what was filtered, and never back', () => {
    intake.take({ ...batch(0), to: 40 })
    expect(intake.cursor()).toEqual({ epoch: 'a', seq: 40 })
    intake.take({ ...batch(0), to: 30 })
    expect(intake.cursor()).toEqual({ epoch: 'a', seq: 40 })
  })

  it('counts anew in another epoch', () => {
    intake.take(batch(0, logged(1), logged(2)))
    const { events, ...rest } = batch(0, logged(1, '9'))
    expect(ids(intake.take({ ...rest, epoch: 'b', events }))).toEqual(['9'])
    expect(intake.cursor()).toEqual({ epoch: 'b', seq: 1 })
  })

  it('drops what a dead hub had delivered but not committed, when the next hub gets it again', () => {
    intake.take(batch(2, logged(1), logged(2), logged(3), logged(4)))
    intake.welcome({ epoch: 'a', seq: 2 }, TRAIL)
    expect(ids(intake.take(batch(2, logged(3), logged(4), logged(5))))).toEqual(['5'])
  })

  it('knows it by id, type and data, since the next hub may count it under another seq', () => {
    intake.take(batch(0, logged(1, '1'), logged(2, '1', false), logged(3, '3')))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    // The event without an id of its own is not sent again.
    expect(ids(intake.take(batch(0, logged(1, '1'), logged(2, '3'), logged(3, '4'))))).toEqual(['4'])
  })

  it('takes an event of the same id but other data', () => {
    intake.take(batch(0, logged(1)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(intake.take(batch(0, { ...logged(1), data: 'other' }))).toHaveLength(1)
    expect(intake.take(batch(0, { ...logged(2, '1'), type: 'other' }))).toHaveLength(1)
  })

  it('knows an event without an id of its own, which a hub may still have, by when it came: each of its like is new', () => {
    const tick = (seq: number, at: number) => ({ ...logged(seq, 'x', false), at })
    intake.take(batch(0, tick(1, 5), tick(2, 6)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(intake.take(batch(0, tick(1, 6), tick(2, 7), tick(3, 8)))).toHaveLength(2)
  })

  it('takes an event without an id of its own, though it looks like a ghost', () => {
    intake.take(batch(0, logged(1)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(intake.take(batch(0, { ...logged(1), hasOwnId: false }))).toHaveLength(1)
  })

  it.each(['by a cursor', 'by a batch'])('another epoch, told %s, has no ghosts', (how) => {
    intake.take(batch(0, logged(1)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    if (how === 'by a cursor') intake.welcome({ epoch: 'b', seq: 0 }, TRAIL)
    expect(intake.take({ ...batch(0, logged(1)), epoch: 'b' })).toHaveLength(1)
  })

  it('drops a ghost once: after that it is an event like any other', () => {
    intake.take(batch(0, logged(1)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(intake.take(batch(0, logged(1)))).toHaveLength(0)
    expect(intake.take(batch(0, logged(2, '1')))).toHaveLength(1)
  })

  it('knows what is committed by id, type and size, should a hub without IndexedDB know nothing of it', () => {
    intake.take(batch(0, logged(1), logged(2), logged(3)))
    intake.take({ ...batch(3), to: 3 })
    intake.welcome({ epoch: 'a', seq: 1 }, TRAIL)
    const [other, larger] = ['DATA OF 2', 'data of 2, and more']
    expect(intake.take(batch(1, { ...logged(2), data: larger }))).toHaveLength(1)
    expect(ids(intake.take(batch(1, { ...logged(3, '2'), data: other }, logged(4, '3'), logged(5))))).toEqual(
      ['5'],
    )
  })

  it('drops it as well after a second hub has died before committing anything', () => {
    intake.take(batch(0, logged(1), logged(2)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(intake.take(batch(0, logged(1)))).toEqual([])
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(ids(intake.take(batch(0, logged(1), logged(2), logged(3))))).toEqual(['3'])
  })

  it('drops it after a second death, though it came under another seq in between', () => {
    intake.take(batch(0, logged(1, 'A')))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    // The second hub commits something new first, and delivers A again, uncommitted, behind it.
    expect(ids(intake.take(batch(0, logged(1, '', false))))).toEqual([''])
    expect(intake.take(batch(1, logged(2, 'A')))).toEqual([])
    intake.welcome({ epoch: 'a', seq: 1 }, TRAIL)
    expect(ids(intake.take(batch(1, logged(2, 'A'), logged(3, 'B'))))).toEqual(['B'])
  })

  it('D2 knows the last event ID at its cursor, as the hub told it last', () => {
    const intake = createIntake()
    const lineage = { term: 1, leaders: [], committedUpTo: 0, lastEventId: 'start', streamClient: 'client' }
    intake.welcome({ epoch: 'a', seq: 0 }, lineage)
    expect(intake.lineage()).toEqual(lineage)
    intake.take(batch(0, logged(1), logged(2)))
    expect(intake.lineage()?.lastEventId).toBe('2')
    intake.welcome({ epoch: 'a', seq: 1 }, { ...lineage, lastEventId: 'of another log' })
    expect(intake.lineage()?.lastEventId).toBe('of another log')
    intake.take(batch(0, logged(2)))
    expect(intake.lineage()?.lastEventId).toBe('2')
    // One that was taken already says nothing of where the cursor is.
    intake.take({ ...batch(0, logged(1)), to: 1 })
    expect([intake.cursor()?.seq, intake.lineage()?.lastEventId]).toEqual([2, '2'])
    // A batch without events may be told for its id alone.
    intake.take({ ...batch(0), to: 2, lastEventId: 'now known' })
    expect(intake.lineage()?.lastEventId).toBe('now known')
    intake.take({ ...batch(0), rewind: { seq: 1, id: '1' }, to: 1, lastEventId: 'where it was set back to' })
    expect([intake.cursor()?.seq, intake.lineage()?.lastEventId]).toEqual([1, 'where it was set back to'])
  })

  describe('D5 what came before it began is no matter of its own, though a hub gets it again', () => {
    const welcomeAt = (seq: number, id: string | null) => {
      intake = createIntake()
      intake.welcome({ epoch: 'a', seq }, { ...TRAIL, lastEventId: id })
    }

    it('drops it up to where it began, and takes what came since', () => {
      welcomeAt(2, '2')
      intake.take(batch(0, logged(3)))
      intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
      expect(intake.take(batch(0, logged(1)))).toEqual([])
      expect(ids(intake.take(batch(0, logged(2), logged(3), logged(4))))).toEqual(['4'])
    })

    it('is not misled by another count: an event without an id is not sent again', () => {
      welcomeAt(3, '2')
      intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
      const again = [logged(1), logged(2), logged(3), logged(4)]
      expect(ids(intake.take(batch(0, ...again)))).toEqual(['3', '4'])
    })

    it('takes an event without an id, which is new', () => {
      welcomeAt(2, '2')
      intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
      expect(ids(intake.take(batch(0, logged(1), logged(2, 'x', false))))).toEqual(['x'])
    })

    it('looks no further than to where it began', () => {
      welcomeAt(2, 'a position without an event')
      intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
      expect(ids(intake.take(batch(0, logged(1), logged(2), logged(3))))).toEqual(['3'])
    })

    it.each([null, ''])('takes everything where it does not know of an event before: %j', (id) => {
      welcomeAt(2, id)
      intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
      expect(ids(intake.take(batch(0, logged(1))))).toEqual(['1'])
    })

    it.each(['by a welcome', 'by a batch'])('takes what comes behind its last event, told %s', (how) => {
      welcomeAt(3, '2')
      if (how === 'by a welcome') intake.welcome({ epoch: 'a', seq: 2 }, { ...TRAIL, lastEventId: '2' })
      const rewind = how === 'by a batch' ? { seq: 2, id: '2' } : null
      expect(ids(intake.take({ ...batch(0, logged(3)), rewind }))).toEqual(['3'])
    })

    it('D1 goes on from where a reset takes it, which may be back', () => {
      intake.take(batch(0, logged(1), logged(2), logged(3)))
      intake.take({ ...batch(0), to: 1, lastEventId: '1', reset: 'fell-behind' })
      expect(intake.cursor()).toEqual({ epoch: 'a', seq: 1 })
      expect(ids(intake.take(batch(0, logged(2, '5'), logged(3, '6'))))).toEqual(['5', '6'])
    })

    it('begins anew with a reset', () => {
      intake.take(batch(0, logged(1), logged(2)))
      intake.take({ ...batch(0), to: 9, lastEventId: '9', reset: 'fell-behind' })
      intake.welcome({ epoch: 'a', seq: 2 }, { ...TRAIL, lastEventId: '2' })
      expect(ids(intake.take(batch(0, logged(8), logged(9), logged(10))))).toEqual(['10'])
    })

    it('has it all in another epoch', () => {
      welcomeAt(2, '2')
      intake.welcome({ epoch: 'b', seq: 0 }, TRAIL)
      expect(ids(intake.take({ ...batch(0, logged(1)), epoch: 'b' }))).toEqual(['1'])
    })
  })
})

describe('TO2 what an intake makes of topics', () => {
  const control = (seq: number, id = ''): LoggedEvent => ({
    ...logged(seq, id, false),
    type: '',
    data: '{"is":"left"}',
    topic: 'a',
  })
  let intake: ReturnType<typeof createIntake>

  beforeEach(() => {
    intake = createIntake()
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
  })

  it('a control passes each time that it is delivered, and is not counted among what was had', () => {
    intake.take(batch(0, logged(1), control(2), logged(3)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(seqs(intake.take(batch(0, logged(1), control(2), logged(3), control(4))))).toEqual([2, 4])
    // Nothing is owed any more: an event without an id that is older than the newest one is new.
    expect(ids(intake.take(batch(0, { ...logged(5, 'old', false), at: -1 })))).toEqual(['old'])
  })

  it('the same event of another topic is another event', () => {
    const of = (topic: string | null, seq: number) => ({ ...logged(seq, 'one'), topic })
    intake.take(batch(0, of('a', 1)))
    intake.welcome({ epoch: 'a', seq: 0 }, TRAIL)
    expect(intake.take(batch(0, of('b', 1), of('a', 2), of(null, 3))).map(({ topic }) => topic)).toEqual([
      'b',
      null,
    ])
  })
})
