import { describe, expect, it } from 'vitest'
import type { LeaderRecord, Lineage } from '../../../../src/shared/protocol.ts'
import type { LogFacts } from '../../../../worker/log/ledger.ts'
import type { Position } from '../../../../worker/log/store.ts'
import {
  type Located,
  locateTab,
  placeCursor,
  placeFormerTab,
  type TabStanding,
} from '../../../../worker/tabs/locate-tab.ts'

const leaders = (...list: [string, number][]): LeaderRecord[] =>
  list.map(([leader, startsAfter]) => ({ leader, startsAfter, lastEventId: '' }))

/** Epoch `e` holds events 11 to 20; the epoch before it, `d`, ended at 10, at the time 1,000. */
const POSITION: Position = {
  term: 2,
  leader: 'b',
  leaders: leaders(['a', 0], ['b', 15]),
  epoch: 'e',
  head: 20,
  lastEventId: '20',
  previous: { epoch: 'd', reason: 'server', at: 1_000 },
  epochStart: 10,
  streamClient: 'client',
}

interface Over extends Partial<Omit<LogFacts, 'position'>> {
  position?: Partial<Position>
}
const log = ({ position, ...over }: Over = {}): LogFacts => ({
  position: { ...POSITION, ...position },
  first: 11,
  oldestAt: 2_000,
  announcedHead: 20,
  alignedTerm: 2,
  emptyEpoch: null,
  seqOf: (id) => (id === '17' ? 17 : null),
  ...over,
})

const LINEAGE: Lineage = {
  term: 2,
  leaders: POSITION.leaders,
  committedUpTo: 14,
  lastEventId: '18',
  streamClient: 'client',
}
const at = (seq: number, epoch = 'e') => ({ epoch, seq })
const tab = (over: Partial<TabStanding> = {}): TabStanding => ({
  cursor: at(18),
  lineage: LINEAGE,
  isBeforeFirstDelivery: false,
  beginsAfter: null,
  since: 1_500,
  pendingReset: null,
  isBehind: false,
  oldUpTo: null,
  ...over,
})
/** One that began at `'now'`, and has heard nothing. */
const newTab = (over: Partial<TabStanding> = {}) => tab({ isBeforeFirstDelivery: true, ...over })

const READ: Located = { kind: 'read', oldUpTo: null }
const FOR_LEADER: Located = { kind: 'wait', for: 'leader' }
const FOR_EVENTS: Located = { kind: 'wait', for: 'events' }
const TELL: Located = { kind: 'tell' }
const reset = (reason: 'server' | 'fell-behind' | 'log-lost', seq: number): Located => ({
  kind: 'reset',
  cursor: at(seq),
  reason,
})
const move = (seq: number, oldUpTo: number | null = null): Located => ({
  kind: 'move',
  cursor: at(seq),
  oldUpTo,
})

type Row = [title: string, LogFacts, TabStanding, Located]

const ROWS: Row[] = [
  // In its own log.
  ['D4 a tab behind the head reads on', log(), tab(), READ],
  ['D4 a tab at the head waits for events', log(), tab({ cursor: at(20) }), FOR_EVENTS],
  ['D4 a tab just before the oldest event reads on', log(), tab({ cursor: at(10) }), READ],
  ['D4 a tab that misses the oldest event is told', log(), tab({ cursor: at(9) }), reset('fell-behind', 20)],
  [
    'D1 a reset that it was attached with comes first, from where it is',
    log(),
    tab({ pendingReset: 'log-lost' }),
    reset('log-lost', 18),
  ],
  [
    'D1 a tab that was attached with a reset hears that one, whatever else was lost',
    log(),
    tab({ pendingReset: 'log-lost', cursor: at(9) }),
    reset('log-lost', 20),
  ],
  [
    'D5 what is older than the tab is still left out',
    log(),
    tab({ oldUpTo: 19 }),
    { kind: 'read', oldUpTo: 19 },
  ],

  // What it knows of its log's leaders.
  [
    'L3 a tab that knows of a later leader waits for that leader',
    log(),
    tab({ lineage: { ...LINEAGE, term: 3 } }),
    FOR_LEADER,
  ],
  [
    'L3 a tab with a reset to tell waits for the later leader too',
    log(),
    tab({ lineage: { ...LINEAGE, term: 3 }, pendingReset: 'log-lost' }),
    FOR_LEADER,
  ],
  ['L3 a tab that knows of no leader is told of one', log(), tab({ lineage: { ...LINEAGE, term: 0 } }), TELL],
  [
    'S1 a tab that knows the stream by another name is told',
    log(),
    tab({ lineage: { ...LINEAGE, streamClient: 'before' } }),
    TELL,
  ],
  [
    'S1 a tab at the head is told of another name of the stream too',
    log(),
    tab({ cursor: at(20), lineage: { ...LINEAGE, streamClient: 'before' } }),
    TELL,
  ],
  [
    'L3 of a log without a leader there is nothing to tell',
    log({ position: { term: 0 } }),
    tab({ lineage: { ...LINEAGE, term: 0 } }),
    READ,
  ],

  // In another epoch.
  [
    'D1 a tab of the epoch before is told why that ended',
    log(),
    tab({ cursor: at(7, 'd') }),
    reset('server', 10),
  ],
  [
    'D1 a tab of the epoch before goes on from the head where the beginning of this one is trimmed',
    log({ first: 12 }),
    tab({ cursor: at(7, 'd') }),
    reset('server', 20),
  ],
  [
    'D1 a tab of an unknown epoch has lost its log',
    log(),
    tab({ cursor: at(7, 'x') }),
    reset('log-lost', 20),
  ],
  [
    'D4 a tab of an epoch in which nothing ever was hears all, without a reset',
    log({ emptyEpoch: 'x' }),
    tab({ cursor: at(0, 'x') }),
    move(10),
  ],
  [
    'D4 as long as this log is in line with nobody, another epoch says nothing',
    log({ alignedTerm: 0, position: { term: 0 } }),
    tab({ cursor: at(7, 'x'), lineage: { ...LINEAGE, term: 0 } }),
    READ,
  ],

  // It began after an id, in an empty log of its hub's own.
  [
    'D5 a tab whose empty log began after an id goes on after it in the log that took the place',
    log({ emptyEpoch: 'x' }),
    tab({ cursor: at(0, 'x'), beginsAfter: '17' }),
    move(17),
  ],
  [
    'D5 a tab whose empty log began after an id that the other log does not know is told',
    log({ emptyEpoch: 'x' }),
    tab({ cursor: at(0, 'x'), beginsAfter: '7' }),
    reset('fell-behind', 20),
  ],
  [
    'D5 a tab whose empty log began after an id waits until the leader has sent the other log',
    log({ emptyEpoch: 'x', first: 21, announcedHead: 25 }),
    tab({ cursor: at(0, 'x'), beginsAfter: '17' }),
    FOR_LEADER,
  ],
  [
    'D5 a tab whose log began after an id that the server no longer knows is told',
    log(),
    tab({ cursor: at(0, 'd'), beginsAfter: '7' }),
    reset('server', 10),
  ],
  ['D5 a tab goes on in the log that began after an id for its sake', log(), tab({ beginsAfter: '7' }), READ],

  // Before its first delivery.
  [
    'D5 a new tab whose epoch ended before it came begins in this one',
    log(),
    newTab({ cursor: at(7, 'd') }),
    move(10, 20),
  ],
  [
    'D5 a new tab whose epoch ended after it came is told',
    log(),
    newTab({ cursor: at(7, 'd'), since: 900 }),
    reset('server', 10),
  ],
  [
    'D5 a new tab whose epoch this log has not heard of begins in this one',
    log(),
    newTab({ cursor: at(7, 'x') }),
    move(10, 20),
  ],
  [
    'D1 a new tab that its own log had something for is told',
    log(),
    newTab({ cursor: at(7, 'x'), isBehind: true }),
    reset('log-lost', 20),
  ],
  [
    'D5 a new tab loses nothing by what was trimmed from before it came',
    log({ oldestAt: 1_499 }),
    newTab({ cursor: at(9) }),
    move(10, 20),
  ],
  [
    'D4 a new tab may have lost what was trimmed since it came',
    log({ oldestAt: 1_500 }),
    newTab({ cursor: at(9) }),
    reset('fell-behind', 20),
  ],
  [
    'D4 of an empty log nothing says what was trimmed',
    log({ first: 21, oldestAt: null }),
    newTab({ cursor: at(9) }),
    reset('fell-behind', 20),
  ],
  [
    'D5 a new tab waits for what the leader is yet to send',
    log({ first: 21, oldestAt: null, announcedHead: 25 }),
    newTab({ cursor: at(9) }),
    FOR_LEADER,
  ],
  [
    'D4 a tab that has heard something does not wait for that: it was outrun',
    log({ first: 21, oldestAt: null, announcedHead: 25 }),
    tab({ cursor: at(9) }),
    reset('fell-behind', 20),
  ],
]

describe('where a tab stands in a log', () => {
  it.each(ROWS)('%s', (_, facts, standing, located) => {
    expect(locateTab(facts, standing)).toEqual(located)
  })

  it.each(ROWS.filter(([, , , { kind }]) => kind === 'move'))(
    'a tab that was moved is not moved again: %s',
    (_, facts, standing, located) => {
      if (located.kind !== 'move') throw new Error('The table has changed.')
      const { cursor, oldUpTo } = located
      expect(locateTab(facts, { ...standing, cursor, oldUpTo })).toEqual({ kind: 'read', oldUpTo })
    },
  )
})

describe('where a tab goes on that comes from another hub', () => {
  it.each([
    ['D2 of the same leader: where it is', { leaders: POSITION.leaders }, 18],
    ['L3 of the leader before: where the present one took over', { leaders: leaders(['a', 0]) }, 15],
    [
      'L3 of a leader that is unknown here: what it knows to be committed',
      { leaders: leaders(['x', 0]) },
      14,
    ],
    [
      'L3 of a later leader: where it is, until this log is in line',
      { term: 3, leaders: leaders(['x', 0]) },
      18,
    ],
  ])('%s', (_, lineage, seq) => {
    const placed = placeFormerTab(log(), at(18), { ...LINEAGE, ...lineage })
    expect(placed).toEqual({ cursor: at(seq), reset: null })
  })

  it('D2 one that knows of no leader is not beyond the head', () => {
    expect(placeFormerTab(log(), at(25), null)).toEqual({ cursor: at(20), reset: null })
  })

  it('D4 what agrees may be trimmed', () => {
    expect(placeFormerTab(log({ first: 17 }), at(18), { ...LINEAGE, leaders: leaders(['a', 0]) })).toEqual({
      cursor: at(20),
      reset: 'fell-behind',
    })
  })

  it('a cursor in the log is left as it is', () => {
    expect(placeCursor(log(), at(12))).toEqual({ cursor: at(12), reset: null })
  })
})
