import { beforeEach, describe, expect, it } from 'vitest'
import { createTaker } from '../../../../src/attachment/taker.ts'
import { events, ids } from '../../harness/log.ts'
import { openSessions, type Sessions } from '../../harness/session.ts'
import { settle } from '../../harness/turns.ts'

describe('P12 P13 acknowledgements of a quiet stream', () => {
  let test: Sessions

  beforeEach(async () => {
    test = await openSessions()
  })

  const waits = () => test.calls.map(({ mayWait }) => mayWait)

  it('wait for the next one, within a second of the last one: each event goes out at once all the same', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    await test.acknowledge()
    for (let id = 2; id <= 10; id++) {
      await test.platform.advance(100)
      await test.append(session, events(id, id))
    }
    expect(test.batches.map((batch) => ids(batch.events))).toEqual(
      Array.from({ length: 10 }, (_, at) => [String(at + 1)]),
    )
    expect(waits()).toEqual([false, ...Array.from({ length: 9 }, () => true)])
    // Taken as far as the hub is concerned, and no reason to call the tab slow.
    expect(session.inspect()).toMatchObject({ state: 'idle', lag: 0, cursor: { seq: 10 } })
    await test.platform.advance(100)
    await test.append(session, events(11, 11))
    expect(waits().at(-1)).toBe(false)
    expect(session.inspect()).toMatchObject({ state: 'delivering', lag: 1, cursor: { seq: 10 } })
    await test.platform.advance(1_500)
    expect(session.inspect().state).toBe('stalled')
    test.acknowledgeAll()
    await settle()
    expect(session.inspect()).toMatchObject({ state: 'idle', lag: 0, cursor: { seq: 11 } })
    // Only what is acknowledged at once says how late it was.
    expect(test.latencies).toHaveLength(2)
  })

  it.each<[string, Parameters<Sessions['open']>[0], number, number]>([
    ['a hidden tab, whose timers run late', { visible: false }, 1, 10],
    ['many events', {}, 60, 10],
    ['large events', {}, 1, 5_000],
  ])('do not wait for %s', async (_, over, count, size) => {
    const session = test.open(over)
    const append = (from: number) =>
      test.append(
        session,
        events(from, from + count - 1).map((each) => ({ ...each, data: 'x'.repeat(size) })),
      )
    await append(1)
    await test.acknowledge()
    await append(count + 1)
    await append(2 * count + 1)
    expect(test.calls.length).toBeLessThanOrEqual(3)
    expect(waits().at(-1)).toBe(false)
  })

  it('D1 what the tab could not take comes again, in order, and nothing overtakes it', async () => {
    const taken: string[] = []
    let isBroken = false
    let calls = 0
    const take = createTaker(
      async (batch) => {
        calls++
        if (isBroken) throw new Error('The tab was frozen.')
        taken.push(...batch.events.ids)
      },
      // What waits is acknowledged late, so that several are on their way.
      {
        due: (mayWait) =>
          mayWait ? new Promise((resolve) => void test.platform.after(900, resolve)) : undefined,
      },
    )
    const session = test.open({ remote: { ...test.remote, deliver: take } })
    for (let id = 1; id <= 40; id++) {
      isBroken = id === 5 || id === 6 || id === 20
      await test.append(session, events(id, id))
      await test.platform.advance(id === 25 ? 3_000 : 50)
    }
    await test.platform.advance(10_000)
    await settle()
    expect(taken).toEqual(Array.from({ length: 40 }, (_, at) => String(at + 1)))
    expect(calls).toBeLessThan(60)
    expect(session.inspect()).toMatchObject({ state: 'idle', lag: 0, cursor: { seq: 40 } })
    expect(test.failures).toEqual([])
  })

  it('D2 another leader took over with what waits on its way: the tab is told where the log goes on', async () => {
    const session = test.open()
    await test.append(session, events(1, 1))
    await test.acknowledge()
    await test.append(session, events(2, 2), events(3, 3))
    expect(waits()).toEqual([false, true, true])
    expect(session.cursor().seq).toBe(3)
    session.close()
    test.acknowledgeAll()
    await settle()
    expect(test.batches).toHaveLength(3)
  })
})
