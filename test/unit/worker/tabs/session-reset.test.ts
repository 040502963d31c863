import { beforeEach, describe, expect, it } from 'vitest'
import { pack } from '../../../../src/shared/packed-events.ts'
import type { SessionOptions } from '../../../../worker/tabs/session.ts'
import { createSharedReads, type Selection } from '../../../../worker/tabs/shared-reads.ts'
import { events, ids } from '../../harness/log.ts'
import { openSessions, type Sessions } from '../../harness/session.ts'
import { defer, settle } from '../../harness/turns.ts'

describe('a session that cannot go on as usual', () => {
  let test: Sessions

  beforeEach(async () => {
    test = await openSessions()
  })

  it('D1 a reset comes before anything newer, alone', async () => {
    await test.log.append(events(1, 3))
    const session = test.open({ reset: 'fell-behind' })
    await test.append(session, events(4, 5))
    expect(test.batches).toEqual([
      {
        epoch: test.log.epoch(),
        rewind: null,
        to: 3,
        term: test.log.lineage().term,
        leaders: null,
        committedUpTo: 0,
        lastEventId: '3',
        streamClient: test.log.streamClient(),
        reset: 'fell-behind',
        topics: null,
        events: [],
      },
    ])
    await test.acknowledge()
    expect(ids(test.batches[1]!.events)).toEqual(['4', '5'])
    expect(test.batches[1]!.reset).toBeNull()
    await test.acknowledge()
    expect(test.batches).toHaveLength(2)
  })

  describe('that began in a log which another took the place of', () => {
    const gone = { epoch: 'gone', seq: 9 }

    it('D5 and has heard nothing, gets what has come since it began, without a reset', async () => {
      await test.log.append(events(1, 700))
      await test.platform.advance(5_000)
      const session = test.open({ isBeforeFirstDelivery: true, cursor: gone })
      session.pump()
      await settle()
      expect(test.batches).toEqual([])
      await test.append(session, events(701, 702))
      expect(ids(test.batches[0]!.events)).toEqual(['701', '702'])
      expect(test.batches[0]!.reset).toBeNull()
      await test.acknowledge()
      expect(test.batches).toHaveLength(1)
    })

    it('D5 nor for what ended before it began; D1 what ends later is told', async () => {
      await test.log.append(events(1, 3))
      const first = { epoch: test.log.epoch(), seq: 3 }
      await test.log.restart('server', '')
      await test.platform.advance(1_000)
      const session = test.open({ isBeforeFirstDelivery: true, cursor: first })
      await test.append(session, events(4, 4))
      expect(test.batches[0]).toMatchObject({ reset: null, events: [{ id: '4' }] })
      await test.acknowledge()
      const second = { epoch: test.log.epoch(), seq: test.log.head() }
      const later = test.open({ isBeforeFirstDelivery: true, cursor: second })
      await test.log.restart('server', '')
      later.pump()
      await settle()
      expect(test.batches[1]).toMatchObject({ reset: 'server', events: [] })
    })

    it('D5 but is told of what ended after it began, though before it was attached', async () => {
      const since = test.platform.now()
      const first = { epoch: test.log.epoch(), seq: 0 }
      await test.log.append(events(1, 3))
      await test.platform.advance(1_000)
      await test.log.restart('server', '')
      await test.platform.advance(1_000)
      test.open({ isBeforeFirstDelivery: true, since, cursor: first }).pump()
      await settle()
      expect(test.batches[0]).toMatchObject({ reset: 'server', events: [] })
    })

    it('D5 nor as long as what its hub lacks is yet to come from the leader', async () => {
      await test.log.append(events(1, 700))
      await test.platform.advance(5_000)
      const { epoch, head, facts } = test.log
      let hasCome = false
      const log: SessionOptions['log'] = {
        ...test.log,
        first: () => 201,
        read: (seq) => (hasCome ? test.log.read(seq) : []),
        head: () => (hasCome ? head() : 200),
        facts: () => {
          const { position, oldestAt, ...rest } = facts()
          const held = { position: { ...position, head: 200 }, oldestAt: null }
          return { ...rest, ...(hasCome ? { position, oldestAt } : held), first: 201 }
        },
      }
      const session = test.open({ log, isBeforeFirstDelivery: true, cursor: { epoch: epoch(), seq: 100 } })
      session.pump()
      await settle()
      expect(test.batches).toEqual([])
      hasCome = true
      await test.append(session, events(701, 701))
      expect(test.batches[0]).toMatchObject({ reset: null, events: [{ id: '701' }] })
    })

    it('D1 and has heard something, is told', async () => {
      await test.log.append(events(1, 3))
      const session = test.open({ cursor: gone })
      session.pump()
      await settle()
      expect(test.batches[0]).toMatchObject({ reset: 'log-lost', to: 3, events: [] })
    })
  })

  it('D1 a restart of the log is told before the events of the new epoch', async () => {
    const session = test.open()
    await test.append(session, events(1, 2))
    await test.log.restart('server', '')
    await test.append(session, events(3, 4))
    await test.acknowledge()
    expect(test.batches[1]).toEqual({
      epoch: test.log.epoch(),
      rewind: null,
      to: 2,
      term: test.log.lineage().term,
      leaders: null,
      committedUpTo: 2,
      // Some event of the new epoch is in the log already, and the position speaks of it.
      lastEventId: null,
      streamClient: test.log.streamClient(),
      reset: 'server',
      topics: null,
      events: [],
    })
    await test.acknowledge()
    expect(ids(test.batches[2]!.events)).toEqual(['3', '4'])
    expect(test.batches[2]!.epoch).toBe(test.log.epoch())
  })

  it('D1 what was being read when another leader took over is read again: its log may have other events there', async () => {
    const { next } = createSharedReads(test.log)
    const reading = defer<Selection | null>()
    let asks = 0
    const reads = {
      next: (...asked: Parameters<typeof next>) => (asks++ === 0 ? reading.promise : next(...asked)),
    }
    const session = test.open({ reads })
    await test.append(session, events(1, 2))
    const stale = { seq: 2, id: 'of the log before', hasOwnId: true, type: 'x', data: '', at: 0, topic: null }
    test.log.follow()
    await test.log.lead(9)
    reading.resolve({ to: 2, id: stale.id, at: 0, events: pack([stale]), control: null })
    await test.platform.advance(1)
    expect(asks).toBe(2)
    expect(ids(test.batches[0]!.events)).toEqual(['1', '2'])
  })

  it('D4 a tab that the log outran is told `fell-behind`, and goes on from the head', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    for (let from = 2; from <= 6_001; from += 1_000) await test.append(session, events(from, from + 999))
    await test.acknowledge()
    expect(test.batches[1]).toMatchObject({ to: 6_001, reset: 'fell-behind', events: [] })
    await test.acknowledge()
    await test.append(session, events(6_002, 6_002))
    expect(ids(test.batches[2]!.events)).toEqual(['6002'])
  })

  it('sends a batch that could not be taken again after 1 s', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    test.flight().reject(new Error('thrown in the tab'))
    await test.platform.advance(999)
    expect(test.batches).toHaveLength(1)
    await test.platform.advance(1)
    expect(test.batches[1]).toEqual(test.batches[0])
    await test.acknowledge()
    expect(session.cursor().seq).toBe(1)
  })

  it('is stalled after 2 s without an acknowledgement, and then holds nobody up', async () => {
    const session = test.open()
    await test.append(session, events(1, 5))
    expect(session.backlog()).toBe(5)
    await test.platform.advance(2_000)
    expect(session.inspect().state).toBe('delivering')
    await test.platform.advance(1)
    expect(session.inspect()).toMatchObject({ state: 'stalled', lag: 5 })
    expect(session.backlog()).toBe(0)
    await test.acknowledge()
    expect(session.inspect().state).toBe('idle')
  })

  it('the lag of a cursor of another epoch is the whole log', async () => {
    await test.log.append(events(1, 2))
    const session = test.open()
    await test.log.restart('server', '')
    await test.log.append(events(3, 5))
    expect(session.backlog()).toBe(3)
  })

  it('delivers nothing more once it is closed, not even what was to be sent again', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    session.close()
    test.flight().reject(new Error('gone'))
    await test.platform.advance(10_000)
    await test.append(session, events(2, 2))
    expect(test.batches).toHaveLength(1)
    expect(session.backlog()).toBe(0)
  })

  it('L3 a tab that knows of a later leader waits until the log is in line with it, lest it be told what is not', async () => {
    const lineage = { ...test.log.lineage(), term: test.log.lineage().term + 1 }
    const session = test.open({ lineage, reset: 'fell-behind' })
    await test.append(session, events(1, 2))
    expect(test.batches).toEqual([])
    await test.log.lead(lineage.term)
    session.pump()
    await settle()
    expect(test.batches).toMatchObject([{ reset: 'fell-behind', term: test.log.lineage().term }])
  })

  it('S1 a tab is told what the stream is known by once that is another, even without an event', async () => {
    const session = test.open({ lineage: { ...test.log.lineage(), streamClient: 'before' } })
    session.pump()
    await settle()
    const { head, streamClient } = test.log.position()
    expect(test.batches).toMatchObject([{ to: head, reset: null, events: [], streamClient }])
    await test.acknowledge()
    expect(test.batches).toHaveLength(1)
  })

  it('a failing status or error call is nobody’s problem: the death of a tab is told by its lock', async () => {
    const gone = () => Promise.reject(new Error('gone'))
    const remote = { deliver: gone, status: gone, error: gone, accessToken: gone, signOut: gone }
    const session = test.open({ remote })
    session.status({} as never)
    session.error({} as never)
    await expect(session.accessToken()).rejects.toThrow('gone')
    await settle()
  })
})
