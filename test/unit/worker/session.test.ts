import { beforeEach, describe, expect, it } from 'vitest'
import type { Batch, Follow } from '../../../src/protocol.ts'
import type { Log } from '../../../worker/log.ts'
import { createSession, type RemoteTab, type SessionOptions } from '../../../worker/session.ts'
import { event, events, ids, openMemoryLog } from '../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../harness/platform.ts'
import { defer, settle } from '../harness/turns.ts'

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at))

describe('a session is a cursor', () => {
  let platform: FakePlatform
  let log: Log
  let batches: Batch[]
  /** Acknowledges the batch in flight, or fails it. */
  let flight: ReturnType<typeof defer<void>>
  let latencies: number[]

  beforeEach(async () => {
    platform = createFakePlatform()
    log = (await openMemoryLog(platform, { events: 5_000 })).log
    batches = []
    latencies = []
  })

  const open = (over: Partial<SessionOptions> = {}) => {
    const remote: RemoteTab = {
      deliver(batch) {
        batches.push(batch)
        flight = defer<void>()
        return flight.promise
      },
      status: async () => {},
      error: async () => {},
      accessToken: async () => ({ ok: true, token: 't' }),
    }
    return createSession({
      platform,
      tab: 'tab-1',
      remote,
      log,
      metrics: { delivered: (ms) => latencies.push(ms) },
      cursor: log.start('now')!,
      trail: null,
      reset: null,
      follow: '*',
      visible: true,
      ...over,
    })
  }
  const acknowledge = async () => {
    flight.resolve()
    await settle()
  }
  const append = async (session: ReturnType<typeof open>, ...given: Parameters<Log['append']>[0][]) => {
    for (const each of given) {
      await log.append(each)
      session.pump()
    }
    await settle()
  }

  it('D1 idle, an event goes out at once and alone', async () => {
    const session = open()
    await append(session, events(1, 1))
    expect(batches).toEqual([
      {
        epoch: log.epoch(),
        rewind: null,
        to: 1,
        term: log.term(),
        durable: 0,
        reset: null,
        events: await log.read(0),
      },
    ])
    expect(session.inspect()).toMatchObject({ state: 'delivering', lag: 1, cursor: { seq: 0 } })
    await acknowledge()
    expect(session.inspect()).toMatchObject({
      state: 'idle',
      lag: 0,
      cursor: { seq: 1 },
      lastAckAt: platform.now(),
    })
    expect(batches).toHaveLength(1)
  })

  it('has one batch in flight: the acknowledgement asks for the next, which takes all that came meanwhile', async () => {
    const session = open()
    await append(session, events(1, 1), events(2, 3), events(4, 9))
    expect(batches).toHaveLength(1)
    await acknowledge()
    expect(batches.map((batch) => ids(batch.events))).toEqual([['1'], numbers(2, 9)])
    await acknowledge()
    expect(batches).toHaveLength(2)
  })

  it('measures from the receipt to the acknowledgement', async () => {
    const session = open()
    await append(session, events(1, 1))
    await platform.advance(70)
    await acknowledge()
    expect(latencies).toEqual([70])
  })

  it('D4 a tab that was away gets exactly what it missed, read by read', async () => {
    await log.append(events(1, 1_200))
    const session = open({ cursor: { epoch: log.epoch(), seq: 200 } })
    session.pump()
    await settle()
    while (session.inspect().lag > 0) await acknowledge()
    expect(batches.flatMap((batch) => ids(batch.events))).toEqual(numbers(201, 1_200))
    expect(batches.length).toBeLessThanOrEqual(3)
  })

  it('D1 delivers only the types that the tab follows, and moves past the rest', async () => {
    const session = open({ follow: ['a'] })
    await append(session, [event('1', 'x', 'b'), event('2', 'x', 'a'), event('3', 'x', 'b')])
    expect(ids(batches[0]!.events)).toEqual(['2'])
    expect(batches[0]!.to).toBe(3)
    await acknowledge()
    await append(session, [event('4', 'x', 'b')])
    expect(batches).toHaveLength(1)
    expect(session.cursor().seq).toBe(4)
  })

  it.each<[Follow, string[]]>([
    [[], []],
    [
      ['a', 'b'],
      ['1', '2'],
    ],
    ['*', ['1', '2', '3']],
  ])('follows %j', async (follow, expected) => {
    const session = open({ follow })
    await append(session, [event('1', 'x', 'a'), event('2', 'x', 'b'), event('3', 'x', 'constructor')])
    expect(batches.flatMap((batch) => ids(batch.events))).toEqual(expected)
  })

  it('a change of what it follows holds for what comes after it', async () => {
    const session = open({ follow: ['a'] })
    await append(session, [event('1', 'x', 'b')])
    session.follow(['b'])
    session.pump()
    await append(session, [event('2', 'x', 'a'), event('3', 'x', 'b')])
    expect(batches.flatMap((batch) => ids(batch.events))).toEqual(['3'])
    await acknowledge()
    session.follow('*')
    await append(session, [event('4', 'x', 'z')])
    expect(ids(batches[1]!.events)).toEqual(['4'])
  })

  it('tells a tab that follows nothing of what came of its cursor, every 1,000 events', async () => {
    const session = open({ follow: ['rare'] })
    for (let from = 1; from <= 999; from += 333) await append(session, events(from, from + 332))
    expect(batches).toEqual([])
    await append(session, events(1_000, 1_000))
    expect(batches).toEqual([
      { epoch: log.epoch(), rewind: null, to: 1_000, term: log.term(), durable: 0, reset: null, events: [] },
    ])
    await acknowledge()
    await append(session, events(1_001, 1_500))
    expect(batches).toHaveLength(1)
  })
})
