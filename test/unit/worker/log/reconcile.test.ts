import { describe, expect, it } from 'vitest'
import type { LeaderRecord } from '../../../../src/shared/protocol.ts'
import { type MemoryLog, type Reconciled, reconcile } from '../../../../worker/log/reconcile.ts'

/** Leaders by name, and where each went on. */
const leaders = (...list: [string, number][]): LeaderRecord[] =>
  list.map(([leader, startsAfter]) => ({ leader, startsAfter, lastEventId: '' }))

/** A follower of leader `a`, term 1, that holds events 1 to 5 of epoch `e`. */
const MEMORY: MemoryLog = {
  epoch: 'e',
  head: 5,
  term: 1,
  leader: 'a',
  leaders: leaders(['a', 0]),
  isLeading: false,
  alignedTerm: 1,
  firstInMemory: 1,
}
/** What leader `a` has committed of that. */
const STORED = { epoch: 'e', head: 3, term: 1, leader: 'a', leaders: leaders(['a', 0]) }

const memory = (over: Partial<MemoryLog>): MemoryLog => ({ ...MEMORY, ...over })
const stored = (over: Partial<typeof STORED>) => ({ ...STORED, ...over })
const second = { term: 2, leader: 'b', leaders: leaders(['a', 0], ['b', 3]) }

type Row = [title: string, MemoryLog, typeof STORED | undefined, Reconciled['kept'], isDeposed?: boolean]

const ROWS: Row[] = [
  // Nothing is stored.
  ['D2 a new or a cleared database gets what is in memory', MEMORY, undefined, 'memory'],
  [
    'D2 a new or a cleared database gets what a leader has in memory',
    memory({ isLeading: true }),
    undefined,
    'memory',
  ],

  // The same leader's log.
  ['D2 events that are not committed yet go on from what is stored', MEMORY, STORED, 'both'],
  [
    'D2 uncommitted events of the leader go on from what is stored',
    memory({ isLeading: true }),
    STORED,
    'both',
  ],
  [
    'D2 memory that holds none but new events goes on from what is stored',
    memory({ firstInMemory: 4 }),
    STORED,
    'both',
  ],
  [
    'D2 memory that has a hole after what is stored replaces it',
    memory({ firstInMemory: 5 }),
    STORED,
    'memory',
  ],
  [
    'D6 a hub that knows of nothing takes over what is stored',
    memory({ epoch: 'own', head: 0, term: 0, leader: '', leaders: [], alignedTerm: 0 }),
    STORED,
    'stored',
  ],
  ['L2 a follower that is behind takes over what is stored', memory({ head: 2 }), STORED, 'stored'],
  ['L2 a follower that is just as far keeps both', memory({ head: 3 }), STORED, 'both'],

  // A later leader wrote.
  [
    'L3 what an earlier leader relayed is dropped where a later one has written',
    MEMORY,
    stored(second),
    'stored',
  ],
  [
    'L3 a follower that is in line with the later leader keeps both',
    memory({ ...second, alignedTerm: 2 }),
    stored(second),
    'both',
  ],
  [
    'L3 a leader that finds a later one there gives way',
    memory({ isLeading: true }),
    stored(second),
    'stored',
    true,
  ],
  [
    'L3 a leader that finds another of its own term there gives way',
    memory({ isLeading: true }),
    stored({ leader: 'b', leaders: leaders(['b', 0]) }),
    'both',
    true,
  ],

  // An earlier leader wrote.
  [
    'L3 a database that memory has gone on from is kept',
    memory({ ...second, alignedTerm: 2, isLeading: true }),
    STORED,
    'both',
  ],
  [
    'L3 a database that has parted from memory is replaced',
    memory({ term: 2, leader: 'b', leaders: leaders(['a', 0], ['b', 2]), alignedTerm: 2, isLeading: true }),
    STORED,
    'memory',
  ],
  [
    'L3 a database of leaders that memory has not heard of is replaced',
    memory({ term: 2, leader: 'b', leaders: leaders(['b', 0]), alignedTerm: 2 }),
    STORED,
    'memory',
  ],
  [
    'L3 a database of an earlier epoch is replaced',
    memory({ epoch: 'f', term: 2, alignedTerm: 2 }),
    STORED,
    'memory',
  ],

  // The same term, another epoch.
  [
    'D1 a leader that has restarted its log replaces the epoch before',
    memory({ epoch: 'f', isLeading: true }),
    STORED,
    'memory',
  ],
  [
    'D1 a follower takes the epoch over that its leader has written',
    MEMORY,
    stored({ epoch: 'f' }),
    'stored',
  ],
]

describe('two logs that meet: what is in memory, and what IndexedDB holds', () => {
  it.each(ROWS)('%s', (_, ours, theirs, kept, isDeposed = false) => {
    expect(reconcile(ours, theirs)).toEqual({ kept, isDeposed })
  })
})
