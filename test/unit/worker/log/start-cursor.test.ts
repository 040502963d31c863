import { beforeEach, describe, expect, it } from 'vitest'
import { createLedger, type Ledger } from '../../../../worker/log/ledger.ts'
import { beginAfter, startCursor } from '../../../../worker/log/start-cursor.ts'

const logged = (seq: number) => ({
  seq,
  id: `${seq}`,
  hasOwnId: true,
  type: 'm',
  data: '',
  at: seq * 100,
  topic: null,
})

describe('D5 where a tab starts that has no cursor', () => {
  let ledger: Ledger

  beforeEach(() => {
    let uuids = 0
    ledger = createLedger({ uuid: () => `uuid-${++uuids}` }, 200)
  })
  /** Events 3 to 6, received at 300 to 600. */
  const fill = () => {
    ledger.forget(2)
    for (const seq of [3, 4, 5, 6]) ledger.keep(logged(seq))
    ledger.position.head = 6
    ledger.position.lastEventId = '6b'
  }
  const start = (from: Parameters<typeof startCursor>[1], since = Number.POSITIVE_INFINITY, now = 1_000) =>
    startCursor(ledger, from, since, now)?.seq ?? null

  it.each([
    ['now', 6],
    ['start', 2],
    [{ last: 3 }, 3],
    [{ last: 0 }, 6],
    [{ last: 99 }, 2],
    [{ after: '4' }, 4],
    [{ after: '6b' }, 6],
    [{ after: '1' }, null],
  ] as const)('%j', (from, seq) => {
    fill()
    expect(start(from)).toBe(seq)
  })

  it('`now` is when the page connected: what was received since is not left out', () => {
    fill()
    expect([start('now', 450), start('now', 500), start('now', 601)]).toEqual([4, 4, 6])
  })

  it('an event that seems to be from later was received by a clock that has been set back: it is old', () => {
    fill()
    expect(start('now', 450, 550)).toBe(6)
  })

  describe('an empty log begins after the id that a tab names', () => {
    it('where nothing is known of any log', () => {
      expect(beginAfter(ledger, '41')).toBe(true)
      expect(ledger.position.lastEventId).toBe('41')
      expect(start({ after: '41' })).toBe(0)
    })

    it.each<[string, (ledger: Ledger) => unknown]>([
      ['there are events', fill],
      ['a position is known', ({ position }) => Object.assign(position, { lastEventId: '7' })],
      ['a tab has told where the log stands', (ledger) => Object.assign(ledger, { origin: 'recalled' })],
      ['another hub leads', (ledger) => Object.assign(ledger, { origin: 'aligned' })],
      ['this hub leads, and may have made a request', (ledger) => Object.assign(ledger, { isLeading: true })],
    ])('but not where %s', (_, change) => {
      change(ledger)
      const { lastEventId } = ledger.position
      expect(beginAfter(ledger, '41')).toBe(false)
      expect(ledger.position.lastEventId).toBe(lastEventId)
    })
  })
})
