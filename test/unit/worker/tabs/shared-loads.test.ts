import { beforeEach, describe, expect, it } from 'vitest'
import type { ShareAnswer, ShareNeed } from '../../../../src/shared/protocol.ts'
import type { Log } from '../../../../worker/log/log.ts'
import { createSharedLoads, type SharedLoads } from '../../../../worker/tabs/shared-loads.ts'
import { createRandom } from '../../../random.ts'
import { left, live } from '../../harness/controls.ts'
import { event, events, openMemoryLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

const NOW: ShareNeed = { at: null, kept: 'none', topic: null }
const STATE: ShareNeed = { at: null, kept: 'state', topic: null }

/** A tab as the hub sees it. */
const openTab = (at = 0) => {
  let silent = false
  return {
    seen: () => ({ visible: true, at }),
    sign: () => (silent ? new Promise<void>(() => {}) : Promise.resolve()),
    freeze() {
      silent = true
    },
  }
}
type Tab = ReturnType<typeof openTab>

/** A call, and what it was answered. */
const follow = (answer: Promise<ShareAnswer>) => {
  const call = { answer: null as ShareAnswer | null }
  void answer.then((given) => {
    call.answer = given
  })
  return call
}

describe('ST5 one load for all tabs of a hub', () => {
  let platform: FakePlatform
  let log: Log
  let loads: SharedLoads
  let open: boolean

  const ask = (tab: Tab, need: ShareNeed = NOW, key = 'k') => follow(loads.share(tab, key, need))
  /** The load that a tab was told to run. */
  const runOf = async (call: { answer: ShareAnswer | null }) => {
    await settle()
    if (call.answer?.is !== 'run') throw new Error(`It runs no load: ${JSON.stringify(call.answer)}.`)
    return call.answer
  }
  const append = async (count = 1) => void (await log.append(events(log.head() + 1, log.head() + count)))
  const atHead = (kept: ShareNeed['kept'] = 'none'): ShareNeed => ({ at: log.place(), kept, topic: null })

  /** Of the log, which looks whether IndexedDB is back. */
  let timers: number

  beforeEach(async () => {
    platform = createFakePlatform()
    open = true
    log = (await openMemoryLog(platform, { events: 100 })).log
    loads = createSharedLoads({ platform, log, isOpen: () => open })
    timers = platform.timers()
  })

  it('runs in one tab, and all get the value, with the place at which the load began', async () => {
    await append(2)
    const [a, b, c] = [openTab(), openTab(), openTab()]
    const calls = [ask(a), ask(b), ask(c)]
    const run = await runOf(calls[0]!)
    expect(run.place).toEqual(log.place(2))
    await append()
    loads.shared(a, run.load, { ok: true, value: { n: 1 } })
    await settle()
    for (const call of calls.slice(1))
      expect(call.answer).toEqual({ is: 'value', value: { n: 1 }, place: run.place })
    // Nobody waits any more, and nothing is kept.
    expect(loads.inspect()).toEqual([])
    await runOf(ask(b))
  })

  it('keeps keys apart', async () => {
    await runOf(ask(openTab(), NOW, 'one'))
    await runOf(ask(openTab(), NOW, 'two'))
  })

  it('gives nobody a value from before the event for whose sake it is wanted', async () => {
    const [a, b, c] = [openTab(), openTab(), openTab()]
    const first = await runOf(ask(a))
    await append()
    const [second, third] = [ask(b, atHead()), ask(c, atHead())]
    loads.shared(a, first.load, { ok: true, value: 'old' })
    await settle()
    const answers = [second.answer, third.answer]
    const run = answers.find((answer) => answer?.is === 'run')!
    expect(answers).toContain(null)
    loads.shared(answers[0] === null ? c : b, (run as { load: string }).load, { ok: true, value: 'new' })
    await settle()
    expect([second.answer, third.answer]).toContainEqual({ is: 'value', value: 'new', place: log.place(1) })
  })

  it('a load that began after a call will do for it, whatever place the caller names', async () => {
    const [a, b, c] = [openTab(), openTab(), openTab()]
    const first = await runOf(ask(a))
    const elsewhere: ShareNeed = { at: { epoch: 'of another log', seq: 9 }, kept: 'none', topic: null }
    const calls = [ask(b, elsewhere), ask(c, elsewhere)]
    loads.shared(a, first.load, { ok: true, value: 1 })
    await settle()
    const runner = calls.findIndex(({ answer }) => answer?.is === 'run')
    loads.shared([b, c][runner]!, (calls[runner]!.answer as { load: string }).load, { ok: true, value: 2 })
    await settle()
    expect(calls[1 - runner]!.answer).toMatchObject({ is: 'value', value: 2 })
  })

  it('tells all who wait why a load failed, and keeps nothing of it', async () => {
    const [a, b] = [openTab(), openTab()]
    const run = await runOf(ask(a, STATE))
    const call = ask(b, STATE)
    const error = { name: 'HttpError', message: '500' }
    loads.shared(a, run.load, { ok: false, error })
    await settle()
    expect(call.answer).toEqual({ is: 'error', error })
    await runOf(ask(b, STATE))
  })

  it('T1 goes on in another tab when the session of the one that loads ends', async () => {
    const [a, b, c] = [openTab(), openTab(1), openTab(2)]
    const run = await runOf(ask(a))
    const [second, third] = [ask(b), ask(c)]
    const unwanted = loads.unwanted(run.load)
    loads.left(a)
    const next = await runOf(third)
    expect(await unwanted).toBe(false)
    loads.shared(a, run.load, { ok: true, value: 'of a ghost' })
    await settle()
    expect(second.answer).toBeNull()
    loads.shared(c, next.load, { ok: true, value: 2 })
    await settle()
    expect(second.answer).toMatchObject({ value: 2 })
  })

  it('goes on in another tab when the one that loads shows no sign of life for 3 s', async () => {
    const [a, b] = [openTab(), openTab()]
    const run = await runOf(ask(a))
    const unwanted = loads.unwanted(run.load)
    await platform.advance(60_000)
    const second = ask(b)
    await platform.advance(60_000)
    expect(second.answer).toBeNull()
    a.freeze()
    await platform.advance(6_000)
    await runOf(second)
    expect(await unwanted).toBe(false)
    expect(platform.timers()).toBe(timers)
  })

  it('is aborted once nobody wants it, and not before', async () => {
    const [a, b] = [openTab(), openTab()]
    const run = await runOf(ask(a))
    const second = ask(b)
    let isUnwanted: boolean | null = null
    void loads.unwanted(run.load).then((is) => {
      isUnwanted = is
    })
    loads.unshare(a, 'k')
    await settle()
    expect(isUnwanted).toBeNull()
    loads.unshare(b, 'k')
    await settle()
    expect(isUnwanted).toBe(true)
    expect(second.answer).toMatchObject({ is: 'error', error: { name: 'AbortError' } })
    expect(loads.inspect()).toEqual([])
    expect(await loads.unwanted(run.load)).toBe(false)
  })

  it('is not aborted by a tab whose call was served by another load', async () => {
    const [a, b, c] = [openTab(), openTab(), openTab()]
    const run = await runOf(ask(a))
    ask(b)
    ask(c)
    loads.unshare(b, 'k')
    loads.left(c)
    loads.shared(a, run.load, { ok: true, value: 1 })
    expect(loads.inspect()).toEqual([])
  })

  it('keeps the value that belongs to an event for 60 s, for those who come for that event or an earlier one', async () => {
    const [a, b] = [openTab(), openTab()]
    await append()
    const need = atHead('event')
    loads.shared(a, (await runOf(ask(a, need))).load, { ok: true, value: 1 })
    const late = ask(b, need)
    await settle()
    expect(late.answer).toMatchObject({ is: 'value', value: 1 })
    // Who has written something, and wants what is there now, gets nothing that is kept.
    loads.shared(b, (await runOf(ask(b, NOW))).load, { ok: false, error: { name: '', message: '' } })
    await append()
    loads.shared(b, (await runOf(ask(b, atHead('event')))).load, {
      ok: false,
      error: { name: '', message: '' },
    })
    await platform.advance(59_999)
    const last = ask(b, need)
    await settle()
    expect(last.answer).toMatchObject({ value: 1 })
    await platform.advance(1)
    await runOf(ask(b, need))
  })

  it('keeps the value of a state for as long as the log has what came since', async () => {
    const [a, b] = [openTab(), openTab()]
    await append()
    loads.shared(a, (await runOf(ask(a, STATE))).load, { ok: true, value: 1 })
    await append(100)
    await platform.advance(3_600_000)
    const late = ask(b, STATE)
    await settle()
    expect(late.answer).toMatchObject({ is: 'value', value: 1, place: { seq: 1 } })
    await append()
    await runOf(ask(b, STATE))
  })

  it('keeps the value of a state afresh when it is loaded again', async () => {
    const tab = openTab()
    loads.shared(tab, (await runOf(ask(tab, STATE))).load, { ok: true, value: 1 })
    loads.shared(tab, (await runOf(ask(tab, NOW))).load, { ok: true, value: 2 })
    const late = ask(tab, STATE)
    await settle()
    expect(late.answer).toMatchObject({ value: 2 })
  })

  it('keeps nothing over a reset', async () => {
    const tab = openTab()
    await append()
    loads.shared(tab, (await runOf(ask(tab, STATE))).load, { ok: true, value: 1 })
    await log.restart('server')
    await runOf(ask(tab, STATE))
  })

  it('keeps nothing beyond the place from which another leader goes on', async () => {
    const tab = openTab()
    await append(2)
    loads.shared(tab, (await runOf(ask(tab, STATE))).load, { ok: true, value: 1 })
    const position = log.position()
    log.follow()
    const other = { leader: 'other', startsAfter: 1, lastEventId: '1' }
    await log.align(
      { ...position, term: position.term + 1, leader: 'other', leaders: [...position.leaders, other] },
      1,
    )
    await runOf(ask(tab, STATE))
  })

  it('ST5 begins the load of a state once the stream is open, and the topic live', async () => {
    open = false
    const [a, b] = [openTab(), openTab()]
    const [first, second] = [ask(a, STATE, 'all'), ask(b, { ...STATE, topic: 't' }, 'of t')]
    await settle()
    expect([first.answer, second.answer]).toEqual([null, null])
    expect(loads.inspect()).toMatchObject([{ state: 'waiting', tabs: 1 }, { state: 'waiting' }])
    open = true
    loads.look()
    await runOf(first)
    expect(second.answer).toBeNull()
    await log.append([live('t')])
    loads.look()
    expect((await runOf(second)).place.seq).toBe(1)
    await log.append([left('t')])
    const third = ask(a, { ...STATE, topic: 't' }, 'another of t')
    await settle()
    expect(third.answer).toBeNull()
  })

  it('needs no open stream for what is kept', async () => {
    const tab = openTab()
    loads.shared(tab, (await runOf(ask(tab, STATE))).load, { ok: true, value: 1 })
    open = false
    const call = ask(tab, STATE)
    await settle()
    expect(call.answer).toMatchObject({ value: 1 })
  })

  it('is bounded in keys, in the length of one, and in what is kept', async () => {
    const tab = openTab()
    const long = ask(tab, NOW, 'k'.repeat(501))
    for (let key = 0; key < 200; key++) ask(tab, NOW, String(key))
    const [another, known] = [ask(tab, NOW, 'another'), ask(tab, NOW, '7')]
    await settle()
    for (const { answer } of [long, another])
      expect(answer).toMatchObject({ is: 'error', error: { name: 'TypeError' } })
    expect(known.answer).toBeNull()
    loads.close()

    for (const key of ['a', 'b', 'c']) {
      const { load } = await runOf(ask(tab, STATE, key))
      loads.shared(tab, load, { ok: true, value: 'x'.repeat(2 * 1024 * 1024) })
    }
    expect(loads.inspect().map(({ key }) => key)).toEqual(['b', 'c'])
    const { load } = await runOf(ask(tab, STATE, 'large'))
    loads.shared(tab, load, { ok: true, value: new Uint8Array(6 * 1024 * 1024) })
    expect(loads.inspect().map(({ key }) => key)).toEqual(['b', 'c'])
  })

  it('forgets everything at the end', async () => {
    const [a, b] = [openTab(), openTab()]
    const run = await runOf(ask(a))
    const second = ask(b)
    loads.close()
    loads.shared(a, run.load, { ok: true, value: 1 })
    await platform.advance(10_000)
    expect(second.answer).toBeNull()
    expect(loads.inspect()).toEqual([])
    expect(platform.timers()).toBe(timers)
  })

  it.each(Array.from({ length: 100 }, (_, seed) => seed))(
    'holds however tabs, deaths, events and resets meet (seed %i)',
    async (seed) => {
      const random = createRandom(seed + 1)
      const upTo = (most: number) => Math.floor(random() * most)
      /** Counts what happens, so that what was before what is known. */
      let clock = 0
      let tabs = [openTab(1), openTab(2), openTab(3)]
      /** Loads that run, by the tab that was told to run them. A value is the time at which its load began. */
      let running: { tab: Tab; load: string; began: number }[] = []
      /** When the event or reset came that each place stands for. */
      const cameAt = new Map<string, number>()
      let waiting: { tab: Tab; answered: boolean }[] = []
      const nameOf = ({ epoch, seq }: { epoch: string; seq: number }) => `${epoch} ${seq}`
      cameAt.set(nameOf(log.place()), 0)

      const share = (tab: Tab) => {
        const kept = (['none', 'event', 'state'] as const)[upTo(3)]!
        const at = random() < 0.7 ? log.place() : null
        const since = at === null ? null : cameAt.get(nameOf(at))!
        const call = { tab, answered: false }
        waiting.push(call)
        void loads.share(tab, 'k', { at, kept, topic: null }).then((answer) => {
          call.answered = true
          if (answer.is === 'run') {
            const load = { tab, load: answer.load, began: ++clock }
            running.push(load)
            // A page aborts a load that nobody wants.
            void loads.unwanted(answer.load).then((isUnwanted) => {
              if (isUnwanted) running = running.filter((each) => each !== load)
            })
          } else if (answer.is === 'value' && since !== null) expect(answer.value).toBeGreaterThan(since)
        })
      }
      const settleLoad = () => {
        const [load] = running.splice(upTo(running.length), 1)
        if (load === undefined) return
        const outcome =
          random() < 0.8
            ? { ok: true as const, value: load.began }
            : { ok: false as const, error: { name: 'Error', message: 'no' } }
        loads.shared(load.tab, load.load, outcome)
      }
      const gone = (tab: Tab) => {
        running = running.filter((each) => each.tab !== tab)
        waiting = waiting.filter((each) => each.tab !== tab)
      }
      const acts = [
        () => share(tabs[upTo(tabs.length)]!),
        () => share(tabs[upTo(tabs.length)]!),
        settleLoad,
        async () => {
          await log.append([event(String(++clock))])
          cameAt.set(nameOf(log.place()), clock)
          loads.look()
        },
        async () => {
          if (random() < 0.8) return
          await log.restart('server')
          cameAt.set(nameOf(log.place()), ++clock)
          loads.look()
        },
        () => {
          const tab = tabs[upTo(tabs.length)]!
          tabs = [...tabs.filter((each) => each !== tab), openTab(++clock)]
          gone(tab)
          loads.left(tab)
        },
        () => {
          const tab = tabs[upTo(tabs.length)]!
          waiting = waiting.filter((each) => each.tab !== tab)
          loads.unshare(tab, 'k')
        },
        () => {
          open = random() < 0.8
          loads.look()
        },
        () => platform.advance(upTo(2_000), 2),
        () => settle(2),
      ]
      for (let step = 0; step < 150; step++) {
        await acts[upTo(acts.length)]!()
        await settle(1)
        expect(running.length).toBeLessThanOrEqual(1)
      }
      // Nobody waits for ever: all are answered once the loads are.
      open = true
      loads.look()
      for (let left = 50; left > 0; left--) {
        await settle(2)
        settleLoad()
      }
      expect(waiting.filter(({ answered }) => !answered)).toHaveLength(0)
      expect(loads.inspect().filter(({ state }) => state !== 'kept')).toEqual([])
    },
  )
})
