import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Snapshot, type StateCurrent } from '../../../../src/index.ts'
import { createTestStream, type TestStream } from '../../../../src/testing.ts'
import { defer, settle } from '../../harness/turns.ts'

type Events = { note: number; other: string }
type Topics = { a: Events; b: Events }

describe('what a stream reads of its log', () => {
  let test: TestStream<Events, Topics>
  const notes = (from: number, to: number) => {
    for (let note = from; note <= to; note++) void test.emit('note', note)
  }
  beforeEach(() => {
    test = createTestStream<Events, Topics>()
  })

  it('ST1 latest() gives the newest of one type, and null where there is none', async () => {
    expect(await test.stream.latest('note')).toBeNull()
    notes(1, 3)
    void test.emit('other', 'x')
    expect(await test.stream.latest('note')).toMatchObject({ payload: 3, id: '3', type: 'note' })
  })

  it('ST1 history() gives the newest 50, of one type or of all, as many as asked for, or those after an id', async () => {
    notes(1, 60)
    void test.emit('other', 'x')
    const payloads = async (options?: { type?: 'note'; last?: number; after?: string }) =>
      (await test.stream.history(options)).map(({ payload }) => payload)
    expect(await payloads()).toEqual([...Array.from({ length: 49 }, (_, index) => index + 12), 'x'])
    expect(await payloads({ type: 'note', last: 2 })).toEqual([59, 60])
    expect(await payloads({ after: '59' })).toEqual([60, 'x'])
    await expect(test.stream.history({ last: 0 })).rejects.toThrow(TypeError)
    await expect(test.stream.history({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
  })

  it('ST1 leaves out what does not parse, and what lies before a reset, a refusal or a sign-out', async () => {
    test = createTestStream<Events, Topics>({
      parse: (data) => {
        if (data === '2') throw new Error('bad')
        return JSON.parse(data)
      },
    })
    notes(1, 3)
    expect((await test.stream.history()).map(({ payload }) => payload)).toEqual([1, 3])
    test.reset()
    expect(await test.stream.history()).toEqual([])
    expect(await test.stream.latest('note')).toBeNull()
    notes(4, 4)
    const topic = test.stream.topic('a')
    void test.emit('note', 7, { topic: 'a' })
    expect(await topic.latest('note')).toMatchObject({ payload: 7 })
    expect(await test.stream.latest('note')).toMatchObject({ payload: 4 })
    test.topic('a').refuse()
    expect(await topic.latest('note')).toBeNull()
    await test.stream.signOut()
    expect(await test.stream.latest('note')).toBeNull()
    expect(await test.stream.history()).toEqual([])
  })

  it('ST2 a listener with `from` hears old events, then new ones, none twice and none missing', async () => {
    notes(1, 5)
    const heard: number[] = []
    const all: number[] = []
    test.stream.on('note', (note) => heard.push(note), { from: { last: 3 } })
    const off = test.stream.on('note', (note) => all.push(note), { from: 'start' })
    notes(6, 7)
    await settle()
    notes(8, 8)
    expect(heard).toEqual([3, 4, 5, 6, 7, 8].slice(-heard.length))
    expect(heard.slice(-3)).toEqual([6, 7, 8])
    expect(all).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    off()
    notes(9, 9)
    expect(all.at(-1)).toBe(8)
  })

  it('ST2 a listener with `from` of a topic ends with its handle', async () => {
    const topic = test.stream.topic('a')
    void test.emit('note', 1, { topic: 'a' })
    const heard: number[] = []
    topic.on('note', (note) => heard.push(note), { from: 'start' })
    topic.leave()
    await settle()
    expect(heard).toEqual([])
    const again = test.stream.topic('a')
    again.on('note', (note) => heard.push(note), { from: { after: '0' } })
    await settle()
    void test.emit('note', 2, { topic: 'a' })
    expect(heard).toEqual([1, 2])
  })

  it('ST2 a reset before the old events are there leaves them out', async () => {
    notes(1, 2)
    const heard: number[] = []
    test.stream.on('note', (note) => heard.push(note), { from: 'start' })
    test.reset()
    notes(3, 3)
    await settle()
    expect(heard).toEqual([3])
  })

  describe('ST6 seen()', () => {
    beforeEach(() => {
      vi.useFakeTimers()
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('resolves once the listeners have had the event, and at once for one that they have had', async () => {
      const heard: number[] = []
      test.stream.on('note', (note) => heard.push(note))
      let isSeen = false
      const seen = test.stream.seen('1').then(() => {
        isSeen = true
      })
      await vi.advanceTimersByTimeAsync(1_000)
      expect(isSeen).toBe(false)
      notes(1, 1)
      await seen
      expect(heard).toEqual([1])
      await test.stream.seen('1')
    })

    it('resolves with a reset, and rejects in time, with its signal, and once the stream is closed', async () => {
      const reset = test.stream.seen('x')
      await vi.advanceTimersByTimeAsync(0)
      test.reset()
      await reset
      const late = test.stream.seen('x', { timeout: 500 })
      late.catch(() => {})
      await vi.advanceTimersByTimeAsync(500)
      await expect(late).rejects.toThrow('within 0.5 s')
      await expect(late).rejects.toMatchObject({ kind: 'worker' })
      const stop = new AbortController()
      const stopped = test.stream.seen('x', { signal: stop.signal })
      stop.abort(new Error('enough'))
      await expect(stopped).rejects.toThrow('enough')
      const closed = test.stream.seen('x')
      closed.catch(() => {})
      await vi.advanceTimersByTimeAsync(0)
      test.stream.close()
      await expect(closed).rejects.toThrow('closed')
    })
  })

  describe('ST5 share()', () => {
    it('runs one load for all callers, and gives each its result or its error', async () => {
      let runs = 0
      const load = async () => ++runs
      expect(await Promise.all([1, 2, 3].map(() => test.stream.share('k', load)))).toEqual([1, 1, 1])
      expect(await test.stream.share('k', load)).toBe(2)
      const fail = async () => {
        throw new RangeError('no')
      }
      const outcomes = await Promise.allSettled([1, 2].map(() => test.stream.share('k', fail)))
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'RangeError', message: 'no' } })
    })

    it('gives a kept result for an event, unless that came after the load began', async () => {
      let runs = 0
      const results: Promise<number>[] = []
      test.stream.on('note', (_, event) => {
        results.push(test.stream.share('k', async () => ++runs, { event }))
      })
      notes(1, 1)
      await settle()
      expect(await test.stream.share('k', async () => ++runs, { event: { reason: 'server' } })).toBe(1)
      notes(2, 2)
      expect(await Promise.all(results)).toEqual([1, 2])
    })

    it('aborts the load once nobody wants it, and rejects with the reason', async () => {
      const stop = new AbortController()
      let aborted: AbortSignal | undefined
      const shared = test.stream.share(
        'k',
        ({ signal }) => {
          aborted = signal
          return new Promise(() => {})
        },
        { signal: stop.signal },
      )
      await settle()
      stop.abort(new Error('enough'))
      await expect(shared).rejects.toThrow('enough')
      await settle()
      expect(aborted?.aborted).toBe(true)
      await expect(test.stream.share('', async () => 1)).rejects.toThrow(TypeError)
      await expect(test.stream.share('x'.repeat(201), async () => 1)).rejects.toThrow(TypeError)
    })
  })

  describe('ST4 state()', () => {
    const sum = (load: () => Promise<number | Snapshot<number>>) =>
      test.stream.state({ key: 'sum', load, on: { note: (value: number, note) => value + note } })

    it('applies what comes while it loads, and what comes later', async () => {
      const loading = defer<number>()
      const state = sum(() => loading.promise)
      const told: StateCurrent<number>[] = []
      state.onChange((current) => told.push(current))
      expect(state.current).toEqual({ status: 'loading', value: undefined, error: null })
      await settle()
      notes(1, 2)
      loading.resolve(10)
      await settle()
      expect(state.current).toEqual({ status: 'live', value: 13, error: null })
      notes(3, 3)
      expect(state.current.value).toBe(16)
      expect(told.at(-1)).toBe(state.current)
      state.close()
      await settle()
      notes(4, 4)
      expect(state.current).toEqual({ status: 'closed', value: undefined, error: null })
    })

    it('leaves out what a snapshot contains, exactly', async () => {
      const loading = defer<Snapshot<number>>()
      const state = sum(() => loading.promise)
      await settle()
      notes(1, 3)
      loading.resolve(new Snapshot(3, '2'))
      await settle()
      expect(state.current.value).toBe(6)
    })

    it('loads anew after a reset, shows the old value as stale until then, and never an older result', async () => {
      const loads = [defer<number>(), defer<number>(), defer<number>()]
      let runs = 0
      const state = sum(() => loads[runs++]!.promise)
      await settle()
      test.reset()
      await settle()
      loads[1]!.resolve(100)
      loads[0]!.resolve(1)
      await settle()
      expect(state.current).toMatchObject({ status: 'live', value: 100 })
      test.reset('log-lost')
      expect(state.current).toMatchObject({ status: 'stale', value: 100 })
      notes(1, 1)
      await settle()
      notes(2, 2)
      expect(state.current).toMatchObject({ status: 'stale', value: 100 })
      loads[2]!.resolve(1_000)
      await settle()
      expect(runs).toBe(3)
      expect(state.current).toMatchObject({ status: 'live', value: 1_002 })
    })

    it('loads a topic once it is live, and ends with the handle and with a sign-out', async () => {
      const topic = test.stream.topic('a')
      let runs = 0
      const options = { key: 'k', load: async () => ++runs, on: { note: (_: number, note: number) => note } }
      const state = topic.state(options)
      const other = test.stream.state(options)
      await settle()
      expect([state.current.status, other.current.status, runs]).toEqual(['loading', 'live', 1])
      test.topic('a').live()
      await settle()
      expect(state.current).toMatchObject({ status: 'live', value: 2 })
      topic.leave()
      expect(state.current.status).toBe('closed')
      await test.stream.signOut()
      expect(other.current).toMatchObject({ status: 'closed', value: undefined })
    })

    it('reload() shows the present value until the new one is there', async () => {
      const loads = [defer<number>(), defer<number>()]
      let runs = 0
      const state = sum(() => loads[runs++]!.promise)
      loads[0]!.resolve(1)
      await settle()
      state.reload()
      await settle()
      notes(1, 1)
      expect(state.current).toMatchObject({ status: 'live', value: 2 })
      loads[1]!.resolve(10)
      await settle()
      expect(state.current).toMatchObject({ status: 'live', value: 11 })
      notes(2, 2)
      expect(state.current.value).toBe(13)
    })

    it('tells why a load failed, and tries again, ever more seldom, and at once when the stream opens', async () => {
      vi.useFakeTimers()
      try {
        let runs = 0
        const state = sum(async () => {
          if (++runs < 4) throw new Error(`no ${runs}`)
          return runs
        })
        await vi.advanceTimersByTimeAsync(0)
        expect(state.current).toMatchObject({
          status: 'failed',
          value: undefined,
          error: { message: 'no 1' },
        })
        await vi.advanceTimersByTimeAsync(1_000)
        expect(runs).toBe(2)
        test.setStatus({ state: 'waiting' })
        test.setStatus({ state: 'open' })
        await vi.advanceTimersByTimeAsync(0)
        expect(runs).toBe(3)
        await vi.advanceTimersByTimeAsync(60_000)
        expect(state.current).toMatchObject({ status: 'live', value: 4, error: null })
      } finally {
        vi.useRealTimers()
      }
    })
  })
})
