import { beforeEach, describe, expect, it } from 'vitest'
import type { Follow, LoggedEvent } from '../../../../src/shared/events.ts'
import { unpackEvents } from '../../../../src/shared/packed-events.ts'
import type { ReadAnswer, ReadRequest } from '../../../../src/shared/protocol.ts'
import type { Received } from '../../../../worker/log/received.ts'
import { createRandom } from '../../../random.ts'
import { control, left, live, refusal } from '../../harness/controls.ts'
import { event, events } from '../../harness/log.ts'
import { openSessions, type Sessions } from '../../harness/session.ts'
import { settle } from '../../harness/turns.ts'

const last = (
  count: number,
  types: ReadRequest['types'] = '*',
  topic: string | null = null,
): ReadRequest => ({
  topic,
  types,
  from: { last: count },
})
const idsOf = ({ events }: ReadAnswer) => unpackEvents(events).map(({ id }) => id)
const follow = (types: Follow['types'], topics: Follow['topics'] = {}): Follow => ({ types, topics })

describe('ST1 what a tab reads of the log', () => {
  let test: Sessions
  const behind = (seq: number, epoch = test.log.epoch()): ReadRequest => ({
    ...last(0),
    from: { behind: { epoch, seq } },
  })
  /** Whether the call has been answered by now. */
  const isAnswered = async (call: Promise<unknown>) => {
    let is = false
    void call.then(() => {
      is = true
    })
    await settle()
    return is
  }

  beforeEach(async () => {
    test = await openSessions()
  })

  it('is the newest of these types, the oldest first', async () => {
    await test.log.append([
      event('1', 'x', 'a'),
      event('2', 'x', 'b'),
      event('3', 'x', 'a'),
      event('4', 'x', 'a'),
    ])
    const session = test.open()
    const answer = await session.read(last(2, ['a']))
    expect(idsOf(answer)).toEqual(['3', '4'])
    expect(answer).toMatchObject({ cursor: test.log.place(4), isWhole: true })
    expect(idsOf(await session.read(last(9, ['b'])))).toEqual(['2'])
    expect(idsOf(await session.read(last(1, ['none'])))).toEqual([])
    expect(idsOf(await session.read(last(0)))).toEqual([])
    expect(unpackEvents((await session.read(last(1))).events)).toEqual(await test.log.read(3))
  })

  it('is what follows an id or a place, as far as the log reaches back', async () => {
    await test.log.append(events(1, 6))
    const session = test.open()
    const behindId = (id: string) => session.read({ ...last(0), from: { after: id } })
    expect(await behindId('4').then(idsOf)).toEqual(['5', '6'])
    expect(await behindId('4')).toMatchObject({ isWhole: true })
    expect(await behindId('gone')).toMatchObject({ isWhole: false })
    expect(idsOf(await session.read(behind(5)))).toEqual(['6'])
    expect(await session.read(behind(0))).toMatchObject({ isWhole: true })
    expect(await session.read(behind(6))).toMatchObject({ isWhole: true, events: { ids: [] } })
    expect(await session.read(behind(5, 'another'))).toMatchObject({ isWhole: false })
  })

  it('goes through the whole log, wherever the events lie', async () => {
    for (let from = 1; from < 5_000; from += 500)
      await test.log.append(
        events(from, from + 499).map((each) => ({ ...each, type: from === 1 ? 'old' : 'new' })),
      )
    const session = test.open()
    expect(idsOf(await session.read(last(3, ['old'])))).toEqual(['498', '499', '500'])
  })

  it('does not reach beyond what the log has trimmed', async () => {
    await test.log.append(events(1, 5_000))
    await test.log.append(events(5_001, 6_000))
    expect(test.log.first()).toBe(1_001)
    const session = test.open()
    expect(await session.read(behind(1_000, undefined))).toMatchObject({ isWhole: false })
    expect(await session.read(behind(5_990))).toMatchObject({ isWhole: true })
    expect(await session.read({ ...behind(999), types: ['none'] })).toMatchObject({ isWhole: false })
    expect(await session.read({ ...behind(1_000), types: ['none'] })).toMatchObject({ isWhole: true })
  })

  it('ST3 has the newest of each type, whether or not the log still has it, up to where the tab has been told', async () => {
    await test.log.append([
      live('t'),
      event('t 1', 'x', 'rare', 't'),
      event('1', 'x', 'rare'),
      event('2', 'x', 'seldom'),
    ])
    await test.log.append(events(3, 5_002))
    expect(test.log.first()).toBeGreaterThan(4)
    const session = test.open()
    expect(await session.read(last(1, ['rare']))).toMatchObject({ events: { ids: ['1'] }, isWhole: true })
    expect(await session.read(last(9, ['rare', 'seldom']))).toMatchObject({
      events: { ids: ['1', '2'] },
      isWhole: true,
    })
    expect(idsOf(await session.read(last(9, '*', 't')))).toEqual(['t 1'])
    expect(idsOf(await session.read(last(1, '*')))).toEqual(['5002'])
    expect(await session.read({ ...behind(test.log.first() - 1), types: ['rare'] })).toMatchObject({
      events: { ids: [] },
      isWhole: true,
    })
    // The tab has not been told of the newer one yet, and so has the older one.
    await test.log.append([event('7', 'x', 'message'), event('8', 'x', 'seldom')])
    expect(idsOf(await session.read(last(1, ['message'])))).toEqual(['5002'])
    session.pump()
    await settle()
    await test.acknowledge()
    expect(idsOf(await session.read(last(1, ['seldom'])))).toEqual(['8'])
  })

  it('is 1,000 events at most, and 1 MiB: the newest, and then it is not whole', async () => {
    await test.log.append(events(1, 1_001))
    const session = test.open()
    const most = await session.read(behind(0))
    expect(idsOf(most)).toHaveLength(1_000)
    expect(most.isWhole).toBe(false)
    expect(idsOf(most).at(-1)).toBe('1001')
    expect(await session.read(behind(1))).toMatchObject({ isWhole: true })
    expect(idsOf(await session.read(last(5_000)))).toHaveLength(1_000)
    await test.log.append([1, 2, 3].map((id) => event(`large ${id}`, 'x'.repeat(600_000), 'large')))
    await session.read({ ...behind(0), types: ['large'] })
    const large = await test.open().read({ ...behind(0), types: ['large'] })
    expect(large).toMatchObject({ isWhole: false, events: { ids: ['large 2', 'large 3'] } })
  })

  it('has nothing that the tab has not been sent, and all that it has been', async () => {
    const session = test.open()
    await test.append(session, events(1, 2))
    // The batch is on its way: its listeners may be the ones who ask.
    expect(test.batches).toHaveLength(1)
    expect(await session.read(last(9))).toMatchObject({ cursor: { seq: 2 }, events: { ids: ['1', '2'] } })
    await test.log.append(events(3, 4))
    expect(await session.read(last(9))).toMatchObject({ cursor: { seq: 2 }, events: { ids: ['1', '2'] } })
    session.pump()
    await test.acknowledge()
    expect(await session.read(last(9))).toMatchObject({ cursor: { seq: 4 } })
  })

  it('has nothing from before a reset, and comes after the word of that', async () => {
    const session = test.open()
    await test.append(session, events(1, 3))
    await test.acknowledge()
    await test.log.restart('server')
    const read = session.read(last(9))
    expect(idsOf(await read)).toEqual([])
    expect(test.batches.at(-1)).toMatchObject({ reset: 'server' })
    await test.acknowledge()
    await test.append(session, events(4, 4))
    expect(idsOf(await session.read(last(9)))).toEqual(['4'])
  })

  it('waits for the word of a reset behind a batch in flight', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    await test.log.restart('server')
    const read = session.read(last(9))
    expect(await isAnswered(read)).toBe(false)
    await test.acknowledge()
    expect(idsOf(await read)).toEqual([])
  })

  it('waits for the word of a reset that itself waits for a batch which the tab could not take', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    await test.acknowledge()
    await test.append(session, events(2, 2))
    expect(test.calls.at(-1)?.mayWait).toBe(true)
    test.flight().reject(new Error('The tab lacks a batch.'))
    await settle()
    await test.log.restart('server')
    session.pump()
    await settle()
    const read = session.read(last(9))
    expect(await isAnswered(read)).toBe(false)
    await test.platform.advance(1_000)
    await test.acknowledge()
    await read
    expect(test.batches.at(-1)).toMatchObject({ reset: 'server' })
  })

  it('waits, without spinning, while the hub has not heard of the leader that the tab knows', async () => {
    const lineage = { ...test.log.lineage(), term: test.log.lineage().term + 5 }
    const session = test.open({ lineage })
    expect(await isAnswered(session.read(last(1)))).toBe(false)
  })

  it('of a topic: what came while it was live, since its last reset', async () => {
    const session = test.open()
    const of = (topic: string, id: string) => event(id, 'x', 'a', topic)
    const read = async () => idsOf(await session.read(last(9, '*', 't')))
    const append = async (...all: Received[]) => {
      await test.append(session, all)
      await test.acknowledge()
    }
    await append(event('1'), live('t'), of('t', '2'))
    expect(await read()).toEqual(['2'])
    expect(idsOf(await session.read(last(9)))).toEqual(['1'])
    expect(await session.read({ ...behind(1), topic: 't' })).toMatchObject({ isWhole: false })
    expect(await session.read({ ...behind(2), topic: 't' })).toMatchObject({ isWhole: true })
    await append(control('t', { is: 'reset', reason: 'server' }), of('t', '3'), live('t'))
    expect(await read()).toEqual(['3'])
    await append(left('t'))
    expect(await read()).toEqual([])
    await append(live('t'), of('t', '4'))
    expect(await read()).toEqual(['4'])
    await append(control('t', { is: 'refused', error: refusal('t') }))
    expect(await read()).toEqual([])
    expect(await session.read({ ...behind(0), topic: 't' })).toMatchObject({ isWhole: false })
  })

  it('asks again where another log took the place of this one while it was read', async () => {
    const session = test.open()
    await test.append(session, events(1, 2))
    await test.acknowledge()
    const { read } = test.log
    let restarted: Promise<void> | undefined
    test.log.read = (seq) => {
      restarted ??= test.log.restart('server').then(() => session.pump())
      return restarted.then(() => read(seq))
    }
    const answer = session.read(last(9))
    await settle()
    await test.platform.advance(1)
    expect(idsOf(await answer)).toEqual([])
    expect((await answer).cursor.epoch).toBe(test.log.epoch())
  })

  it('says when the tab has been sent what it follows up to a place', async () => {
    const session = test.open({ follow: follow(['a']) })
    const sent = session.sent({ epoch: test.log.epoch(), seq: 3 })
    await test.append(session, [event('1', 'x', 'a'), event('2', 'x', 'b')])
    expect(await isAnswered(sent)).toBe(false)
    // The tab does not follow this one: nothing has to be sent.
    await test.acknowledge()
    await test.append(session, [event('3', 'x', 'b')])
    await sent
    await session.sent({ epoch: 'of before', seq: 9 })
  })
})

describe('ST2 what a tab has read, and what it then hears live', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))(
    'has each event once, however reads, deliveries and new types meet (seed %i)',
    async (seed) => {
      const random = createRandom(seed + 1)
      const upTo = (most: number) => Math.floor(random() * most)
      const test = await openSessions(seed % 2 === 0 ? 'in memory' : 'in IndexedDB')
      const session = test.open({ follow: follow(['a']) })
      let count = 0
      const types = ['a', 'b', 'c']
      /** What a reader that begins with `read` has: the answer, and then what comes live from behind it. */
      const readers: { type: string; call: Promise<ReadAnswer>; heldFrom: number }[] = []
      const followed = new Set(['a'])
      const acts = [
        async () => {
          const made = Array.from({ length: 1 + upTo(3) }, () => event(String(++count), 'x', types[upTo(3)]))
          await test.log.append(made)
          if (random() < 0.8) session.pump()
        },
        async () => {
          if (test.batches.length > 0) test.flight()?.resolve()
        },
        async () => {
          const type = types[upTo(3)]!
          if (!followed.has(type)) {
            followed.add(type)
            session.follow(follow([...followed]), [])
            session.pump()
          }
          const heldFrom = test.batches.length
          readers.push({
            type,
            heldFrom,
            call: session.read({ topic: null, types: [type], from: { last: 1_000 } }),
          })
        },
        () => settle(1 + upTo(4)),
        () => test.platform.advance(upTo(200), 2),
      ]
      for (let step = 0; step < 60; step++) await acts[upTo(acts.length)]!()
      for (let drained = 0; drained < 10; drained++) {
        session.pump()
        test.acknowledgeAll()
        await test.platform.advance(600)
      }
      const all: LoggedEvent[] = await test.log.read(0)
      for (const { type, call, heldFrom } of readers) {
        const { cursor, events: packed } = await call
        const live = test.batches
          .slice(heldFrom)
          .flatMap((batch) => batch.events)
          .filter((each) => each.type === type && each.seq > cursor.seq)
        const seqs = [...unpackEvents(packed), ...live].map(({ seq }) => seq)
        expect(seqs).toEqual(all.filter((each) => each.type === type).map(({ seq }) => seq))
      }
    },
  )
})
