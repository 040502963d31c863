import { beforeEach, describe, expect, it } from 'vitest'
import type { Types } from '../../../../src/shared/events.ts'
import { event, events, ids } from '../../harness/log.ts'
import { openSessions, type Sessions } from '../../harness/session.ts'
import { settle } from '../../harness/turns.ts'

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at))

describe('a session is a cursor', () => {
  let test: Sessions

  beforeEach(async () => {
    test = await openSessions()
  })

  it('D1 idle, an event goes out at once and alone', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    expect(test.batches).toEqual([
      {
        epoch: test.log.epoch(),
        rewind: null,
        to: 1,
        term: test.log.lineage().term,
        leaders: null,
        committedUpTo: 0,
        lastEventId: '1',
        streamClient: test.log.streamClient(),
        reset: null,
        topics: null,
        events: await test.log.read(0),
      },
    ])
    expect(session.inspect()).toMatchObject({ state: 'delivering', lag: 1, cursor: { seq: 0 } })
    await test.acknowledge()
    expect(session.inspect()).toMatchObject({
      state: 'idle',
      lag: 0,
      cursor: { seq: 1 },
      lastAckAt: test.platform.now(),
    })
    expect(test.batches).toHaveLength(1)
  })

  it('has one batch in flight: the acknowledgement asks for the next, which takes all that came meanwhile', async () => {
    const session = test.open()
    await test.append(session, events(1, 1), events(2, 3), events(4, 9))
    expect(test.batches).toHaveLength(1)
    await test.acknowledge()
    expect(test.batches.map((batch) => ids(batch.events))).toEqual([['1'], numbers(2, 9)])
    await test.acknowledge()
    expect(test.batches).toHaveLength(2)
  })

  it('measures from the receipt to the acknowledgement', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    await test.platform.advance(70)
    await test.acknowledge()
    expect(test.latencies).toEqual([70])
  })

  it('D4 a tab that was away gets exactly what it missed, read by read', async () => {
    await test.log.append(events(1, 1_200))
    const session = test.open({ cursor: { epoch: test.log.epoch(), seq: 200 } })
    session.pump()
    await settle()
    while (session.inspect().lag > 0) await test.acknowledge()
    expect(test.batches.flatMap((batch) => ids(batch.events))).toEqual(numbers(201, 1_200))
    expect(test.batches.length).toBeLessThanOrEqual(3)
  })

  it('D1 delivers only the types that the tab follows, and moves past the rest', async () => {
    const session = test.open({ follow: { types: ['a'], topics: {} } })
    await test.append(session, [event('1', 'x', 'b'), event('2', 'x', 'a'), event('3', 'x', 'b')])
    expect(ids(test.batches[0]!.events)).toEqual(['2'])
    expect(test.batches[0]!.to).toBe(3)
    await test.acknowledge()
    await test.append(session, [event('4', 'x', 'b')])
    expect(test.batches).toHaveLength(1)
    expect(session.cursor().seq).toBe(4)
  })

  it.each<[Types, string[]]>([
    [[], []],
    [
      ['a', 'b'],
      ['1', '2'],
    ],
    ['*', ['1', '2', '3']],
  ])('follows %j', async (types, expected) => {
    const session = test.open({ follow: { types, topics: {} } })
    await test.append(session, [event('1', 'x', 'a'), event('2', 'x', 'b'), event('3', 'x', 'constructor')])
    expect(test.batches.flatMap((batch) => ids(batch.events))).toEqual(expected)
  })

  it('a change of what it follows holds for what comes after it', async () => {
    const session = test.open({ follow: { types: ['a'], topics: {} } })
    await test.append(session, [event('1', 'x', 'b')])
    session.follow({ types: ['b'], topics: {} }, [])
    session.pump()
    await test.append(session, [event('2', 'x', 'a'), event('3', 'x', 'b')])
    expect(test.batches.flatMap((batch) => ids(batch.events))).toEqual(['3'])
    await test.acknowledge()
    session.follow({ types: '*', topics: {} }, [])
    await test.append(session, [event('4', 'x', 'z')])
    expect(ids(test.batches[1]!.events)).toEqual(['4'])
  })

  it('tells a tab that follows nothing of what came of its cursor, every 1,000 events', async () => {
    const session = test.open({ follow: { types: ['rare'], topics: {} } })
    for (let from = 1; from <= 999; from += 333) await test.append(session, events(from, from + 332))
    expect(test.batches).toEqual([])
    await test.append(session, events(1_000, 1_000))
    expect(test.batches).toEqual([
      {
        epoch: test.log.epoch(),
        rewind: null,
        to: 1_000,
        term: test.log.lineage().term,
        leaders: null,
        committedUpTo: 0,
        lastEventId: '1000',
        streamClient: test.log.streamClient(),
        reset: null,
        topics: null,
        events: [],
      },
    ])
    await test.acknowledge()
    await test.append(session, events(1_001, 1_500))
    expect(test.batches).toHaveLength(1)
  })
})
