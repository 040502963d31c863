import { beforeEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../../src/protocol.ts'
import type { Log } from '../../../worker/log.ts'
import { createSession, type RemoteTab, type SessionOptions } from '../../../worker/session.ts'
import { events, ids, openMemoryLog } from '../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../harness/platform.ts'
import { defer, settle } from '../harness/turns.ts'

describe('a session that cannot go on as usual', () => {
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

  it('D1 a reset comes before anything newer, alone', async () => {
    await log.append(events(1, 3))
    const session = open({ reset: 'fell-behind' })
    await append(session, events(4, 5))
    expect(batches).toEqual([
      {
        epoch: log.epoch(),
        rewind: null,
        to: 3,
        term: log.term(),
        durable: 0,
        reset: 'fell-behind',
        events: [],
      },
    ])
    await acknowledge()
    expect(ids(batches[1]!.events)).toEqual(['4', '5'])
    expect(batches[1]!.reset).toBeNull()
    await acknowledge()
    expect(batches).toHaveLength(2)
  })

  it('D1 a restart of the log is told before the events of the new epoch', async () => {
    const session = open()
    await append(session, events(1, 2))
    await log.restart('server', '')
    await append(session, events(3, 4))
    await acknowledge()
    expect(batches[1]).toEqual({
      epoch: log.epoch(),
      rewind: null,
      to: 2,
      term: log.term(),
      durable: 2,
      reset: 'server',
      events: [],
    })
    await acknowledge()
    expect(ids(batches[2]!.events)).toEqual(['3', '4'])
    expect(batches[2]!.epoch).toBe(log.epoch())
  })

  it('D4 a tab that the log outran is told `fell-behind`, and goes on from the head', async () => {
    const session = open()
    await append(session, events(1, 1))
    for (let from = 2; from <= 6_001; from += 1_000) await append(session, events(from, from + 999))
    await acknowledge()
    expect(batches[1]).toMatchObject({ to: 6_001, reset: 'fell-behind', events: [] })
    await acknowledge()
    await append(session, events(6_002, 6_002))
    expect(ids(batches[2]!.events)).toEqual(['6002'])
  })

  it('sends a batch that could not be taken again after 1 s', async () => {
    const session = open()
    await append(session, events(1, 1))
    flight.reject(new Error('thrown in the tab'))
    await platform.advance(999)
    expect(batches).toHaveLength(1)
    await platform.advance(1)
    expect(batches[1]).toEqual(batches[0])
    await acknowledge()
    expect(session.cursor().seq).toBe(1)
  })

  it('is stalled after 2 s without an acknowledgement, and then holds nobody up', async () => {
    const session = open()
    await append(session, events(1, 5))
    expect(session.backlog()).toBe(5)
    await platform.advance(2_000)
    expect(session.inspect().state).toBe('delivering')
    await platform.advance(1)
    expect(session.inspect()).toMatchObject({ state: 'stalled', lag: 5 })
    expect(session.backlog()).toBe(0)
    await acknowledge()
    expect(session.inspect().state).toBe('idle')
  })

  it('the lag of a cursor of another epoch is the whole log', async () => {
    await log.append(events(1, 2))
    const session = open()
    await log.restart('server', '')
    await log.append(events(3, 5))
    expect(session.backlog()).toBe(3)
  })

  it('delivers nothing more once it is closed, not even what was to be sent again', async () => {
    const session = open()
    await append(session, events(1, 1))
    session.close()
    flight.reject(new Error('gone'))
    await platform.advance(10_000)
    await append(session, events(2, 2))
    expect(batches).toHaveLength(1)
    expect(session.backlog()).toBe(0)
  })

  it('a failing status or error call is nobody’s problem: the death of a tab is told by its lock', async () => {
    const gone = () => Promise.reject(new Error('gone'))
    const remote = { deliver: gone, status: gone, error: gone, accessToken: gone }
    const session = open({ remote })
    session.status({} as never)
    session.error({} as never)
    await expect(session.accessToken()).rejects.toThrow('gone')
    await settle()
  })
})
