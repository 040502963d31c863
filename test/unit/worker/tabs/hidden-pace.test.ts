import { beforeEach, describe, expect, it } from 'vitest'
import { unpack } from '../../../../src/shared/packed-events.ts'
import { createMetrics } from '../../../../worker/base/metrics.ts'
import type { Log } from '../../../../worker/log/log.ts'
import type { Received } from '../../../../worker/log/received.ts'
import { createHiddenPace, type HiddenPace } from '../../../../worker/tabs/hidden-pace.ts'
import { createSession, type Session, type SessionOptions } from '../../../../worker/tabs/session.ts'
import { createSharedReads } from '../../../../worker/tabs/shared-reads.ts'
import { BOUNDS, event, events, openMemoryLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

describe('H1 deliveries to hidden tabs', () => {
  let platform: FakePlatform
  let log: Log
  let pace: HiddenPace
  let sessions: Session[]
  let bounds: typeof BOUNDS
  /** Those of the pace that run. */
  let timers: Set<object>

  /** A log, and the pace that its hub keeps. */
  const open = async (over: Partial<typeof BOUNDS> = {}, every = 1_000) => {
    platform = createFakePlatform()
    bounds = { ...BOUNDS, ...over }
    log = (await openMemoryLog(platform, bounds)).log
    sessions = []
    timers = new Set()
    const after: FakePlatform['after'] = (ms, run) => {
      const timer = {}
      timers.add(timer)
      const cancel = platform.after(ms, () => {
        timers.delete(timer)
        run()
      })
      return () => {
        timers.delete(timer)
        cancel()
      }
    }
    pace = createHiddenPace({
      platform: { now: platform.now, after },
      every,
      bounds,
      log,
      tabs: () => sessions,
    })
  }
  /** A tab, and the numbers of the batches and ids that it gets. */
  const openTab = (over: Partial<SessionOptions> = {}) => {
    const ids: string[] = []
    const resets: string[] = []
    let deliveries = 0
    const session = createSession({
      platform,
      tab: `tab-${sessions.length}`,
      remote: {
        async deliver(batch) {
          const { reset, events } = unpack(batch)
          if (reset !== null) resets.push(reset)
          if (events.length > 0) deliveries++
          ids.push(...events.map(({ id }) => id))
        },
        status: async () => {},
        error: async () => {},
        signOut: async () => {},
        accessToken: async () => ({ ok: true, token: 't' }),
      },
      log,
      reads: createSharedReads(log),
      metrics: createMetrics(),
      cursor: log.start('now')!,
      lineage: log.lineage(),
      reset: null,
      isBeforeFirstDelivery: false,
      beginsAfter: null,
      since: platform.now(),
      follow: { types: '*', topics: {} },
      urgent: [],
      visible: false,
      mayWait: true,
      mostWaiting: 0,
      onReset: () => {},
      onFailed: (cause) => {
        throw cause
      },
      ...over,
    })
    sessions.push(session)
    return { session, ids, resets, deliveries: () => deliveries }
  }
  const append = async (blocks: Received[]) => {
    await log.append(blocks)
    pace.deliver()
    await settle()
  }
  const numbers = (from: number, to: number) => events(from, to).map(({ id }) => id)

  beforeEach(() => open())

  it('one at most in `every`, with all that came meanwhile, in order', async () => {
    const hidden = openTab()
    const inView = openTab({ visible: true })
    await append(events(1, 1))
    expect(hidden.ids, 'the first one after a silence').toEqual(['1'])
    for (let ms = 100, id = 2; ms < 3_000; ms += 100, id++) {
      await platform.advance(100)
      await append(events(id, id))
      expect(inView.ids).toEqual(numbers(1, id))
    }
    expect(hidden.deliveries()).toBe(3)
    await platform.advance(1_000)
    expect(hidden.ids).toEqual(inView.ids)
    expect(hidden.deliveries()).toBe(4)
    expect(inView.deliveries()).toBe(30)
  })

  it('all hidden tabs are served at the same times, also one that was hidden later', async () => {
    const [one, two] = [openTab(), openTab({ visible: true })]
    await append(events(1, 1))
    await platform.advance(500)
    two.session.setVisible(false)
    await append(events(2, 2))
    expect([one.ids, two.ids]).toEqual([['1'], ['1']])
    await platform.advance(499)
    expect([one.ids, two.ids]).toEqual([['1'], ['1']])
    await platform.advance(1)
    expect([one.ids, two.ids]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
    expect(timers.size).toBe(0)
  })

  it('an urgent event brings all before it, to the tabs for which it is urgent', async () => {
    const alarm = openTab({ urgent: ['alarm'] })
    const other = openTab({ urgent: ['nothing'] })
    const any = openTab({ urgent: '*' })
    await append(events(1, 1))
    await append([event('2'), event('3')])
    expect([alarm.ids, other.ids, any.ids]).toEqual([['1'], ['1'], ['1', '2', '3']])
    await append([event('4', 'x', 'alarm'), event('5')])
    expect([alarm.ids, other.ids, any.ids]).toEqual([numbers(1, 5), ['1'], numbers(1, 5)])
    // What comes behind it waits as before.
    await append([event('6')])
    expect([alarm.ids, other.ids, any.ids]).toEqual([numbers(1, 5), ['1'], numbers(1, 6)])
    await platform.advance(1_000)
    expect([alarm.ids, other.ids, any.ids]).toEqual([numbers(1, 6), numbers(1, 6), numbers(1, 6)])
  })

  it('what is urgent may change', async () => {
    const tab = openTab({ urgent: ['a'] })
    await append(events(1, 1))
    tab.session.follow({ types: '*', topics: {} }, ['b'])
    await append([event('2', 'x', 'a')])
    expect(tab.ids).toEqual(['1'])
    await append([event('3', 'x', 'b')])
    expect(tab.ids).toEqual(['1', '2', '3'])
  })

  it.each([
    ['events', { events: 40 }, 1, 11],
    ['characters', { bytes: 4_000 }, 490, 3],
  ])('never wait for more than a quarter of the log, in %s', async (_what, over, size, most) => {
    await open(over)
    const tab = openTab()
    await append([event('0')])
    for (let id = 1; id < most; id++) await append([event(String(id), 'x'.repeat(size))])
    await settle()
    const waited = tab.ids.length
    await append([event(String(most), 'x'.repeat(size))])
    expect([waited, tab.ids.length]).toEqual([1, most + 1])
    expect(tab.resets).toEqual([])
  })

  it('never wait for longer than a quarter of the age that the log allows', async () => {
    await open({ age: 400 })
    const tab = openTab()
    await append(events(1, 1))
    await append(events(2, 2))
    await platform.advance(100)
    expect(tab.ids).toEqual(['1', '2'])
  })

  it('do not wait for what a reset ends, nor the reset itself', async () => {
    const tab = openTab()
    await append(events(1, 1))
    await append(events(2, 3))
    pace.flush()
    await settle()
    expect(tab.ids).toEqual(['1', '2', '3'])
    await log.restart('server', '')
    pace.deliver()
    await settle()
    expect(tab.resets).toEqual(['server'])
  })

  it('do not wait for the word of another leader', async () => {
    const tab = openTab()
    await append(events(1, 1))
    await append(events(2, 2))
    await log.lead(log.position().term)
    await append(events(3, 3))
    expect(tab.ids).toEqual(['1', '2', '3'])
  })

  it('do not wait for a clock that was set back, nor for one that is frozen', async () => {
    const tab = openTab()
    await append(events(1, 1))
    platform.setClock(-3_600_000)
    await append(events(2, 2))
    expect(tab.ids).toEqual(['1', '2'])
    await append(events(3, 3))
    // The worker slept: its timer has yet to fire.
    platform.setClock(5_000)
    await append(events(4, 4))
    expect(tab.ids).toEqual(numbers(1, 4))
  })

  it('are as to any tab with `every: 0`', async () => {
    const tab = openTab({ mayWait: false })
    await append(events(1, 1))
    await append(events(2, 2))
    expect(tab.deliveries()).toBe(2)
    expect(timers.size).toBe(0)
  })

  it('show in an inspection, with what is urgent', async () => {
    const tab = openTab({ urgent: ['alarm'] })
    await append(events(1, 1))
    await append(events(2, 3))
    expect(tab.session.inspect()).toMatchObject({
      state: 'held-back',
      lag: 2,
      urgent: ['alarm'],
      visible: false,
    })
    await platform.advance(1_000)
    expect(tab.session.inspect()).toMatchObject({ state: 'idle', lag: 0 })
  })

  it('cost no timer while nothing waits, or no tab is hidden', async () => {
    openTab()
    await append(events(1, 1))
    expect(timers.size).toBe(0)
    sessions[0]!.setVisible(true)
    await append(events(2, 3))
    expect(timers.size).toBe(0)
  })
})
