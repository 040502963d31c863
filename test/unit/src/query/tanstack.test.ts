import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Stream, Topic } from '../../../../src/index.ts'
import { bindQueries, streamQuery } from '../../../../src/query/index.ts'
import type { EventMap } from '../../../../src/stream.ts'
import { createServer, createTabs } from '../../harness/query-tabs.ts'

type Note = { id: number; text: string }
type Events = { 'note.added': Note; 'notes.imported': null; other: null }

describe('X7 streamQuery and bindQueries, with TanStack Query', () => {
  const clients: QueryClient[] = []
  const stops: (() => void)[] = []
  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
    for (const client of clients.splice(0)) client.clear()
    vi.useRealTimers()
  })
  const until = (condition: () => void) => vi.waitFor(condition, { timeout: 10_000, interval: 2 })

  const tabOf = (tabs: ReturnType<typeof createTabs>) => {
    const tab = tabs.open()
    const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
    clients.push(client)
    const unbind = bindQueries(tab.stream, client)
    stops.push(unbind)
    return { ...tab, client, unbind, stream: tab.stream as unknown as Stream<Events> }
  }
  const observe = (client: QueryClient, options: object) => {
    const observer = new QueryObserver(client, options as never)
    const stop = observer.subscribe(() => {})
    stops.push(stop)
    return { observer, stop, data: () => observer.getCurrentResult().data as Note[] | undefined }
  }
  const add = (notes: Note[], note: Note) => [...notes.filter(({ id }) => id !== note.id), note]
  const notes = (load: () => Promise<Note[]>) => ({
    queryKey: ['notes'] as const,
    queryFn: load,
    on: { 'note.added': add, 'notes.imported': 'invalidate' as const },
  })
  const one = { id: 1, text: 'one' }
  const two = { id: 2, text: 'two' }

  it('gives options for a query, which events keep fresh', () => {
    const { stream } = tabOf(createTabs())
    expect(
      streamQuery(
        stream,
        notes(async () => []),
      ),
    ).toEqual({
      queryKey: ['notes'],
      queryFn: expect.any(Function),
      staleTime: Infinity,
    })
  })

  it('waits while there is no stream, or no handle of the topic', () => {
    const { stream } = tabOf(createTabs())
    const load = async () => [one]
    expect(streamQuery(null as Stream<Events> | null, notes(load)).enabled).toBe(false)
    const topic = null as Topic<Events> | null
    expect(streamQuery(stream, { ...notes(load), topic }).enabled).toBe(false)
  })

  it('applies an event to the result of the first fetch that it came in', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const load = createServer(() => [one])
    load.isSlow = true
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(load.calls).toBe(1))
    tabs.emit('note.added', two)
    load.answer()
    await until(() => expect(view.data()).toEqual([one, two]))
    expect(load.calls).toBe(1)
  })

  it('shows an event at once that comes in a later fetch, and applies it to the result, too', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    load.isSlow = true
    tabs.emit('notes.imported', null)
    await until(() => expect(load.calls).toBe(2))
    tabs.emit('note.added', two)
    expect(view.data()).toEqual([one, two])
    load.answer()
    await until(() => expect(client.isFetching()).toBe(0))
    expect(view.data()).toEqual([one, two])
  })

  it('leaves out what the value has by its position, also where this tab hears it only later', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    let answer = { at: '0', sum: 0 }
    const load = createServer(() => answer)
    load.isSlow = true
    const view = observe(
      client,
      streamQuery(stream as unknown as Stream<{ plus: number }>, {
        queryKey: ['sum'],
        queryFn: load,
        on: { plus: (value, by) => ({ ...value, sum: value.sum + by }) },
        position: ({ at }) => at,
      }),
    )
    const shown = () => (view.observer.getCurrentResult().data as { sum: number } | undefined)?.sum
    // The server has two events already. The first is here before the answer, the second after it.
    answer = { at: '2', sum: 3 }
    await until(() => expect(load.calls).toBe(1))
    tabs.emit('plus', 1)
    load.answer()
    await new Promise((done) => setTimeout(done))
    expect(shown()).toBeUndefined()
    tabs.emit('plus', 2)
    tabs.emit('plus', 4)
    await until(() => expect(shown()).toBe(7))
  })

  it('fetches again where what calls for it comes in the first fetch', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    let answer = [one]
    const load = createServer(() => answer)
    load.isSlow = true
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(load.calls).toBe(1))
    answer = [one, two]
    tabs.emit('notes.imported', null)
    load.answer()
    await until(() => expect(view.data()).toEqual([one]))
    await until(() => expect(load.calls).toBe(2))
    load.answer()
    await until(() => expect(view.data()).toEqual([one, two]))
    await until(() => expect(client.isFetching()).toBe(0))
    expect(load.calls).toBe(2)
  })

  it('updates the cache by a reducer, without a request, for queries with an observer and without', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    tabs.emit('note.added', two)
    expect(view.data()).toEqual([one, two])
    view.stop()
    tabs.emit('note.added', { id: 3, text: 'three' })
    expect(client.getQueryData(['notes'])).toHaveLength(3)
    observe(client, streamQuery(stream, notes(load)))
    expect(load.calls).toBe(1)
  })

  it('ST5 fetches once for an event that calls for it, in 8 tabs', async () => {
    const tabs = createTabs()
    let answer = [one]
    const load = createServer(() => answer)
    const views = Array.from({ length: 8 }, () => {
      const { stream, client } = tabOf(tabs)
      return observe(client, streamQuery(stream, notes(load)))
    })
    await until(() => expect(views.map(({ data }) => data())).toEqual(views.map(() => [one])))
    expect(load.calls).toBe(1)
    answer = [one, two]
    tabs.emit('notes.imported', null)
    await until(() => expect(views.map(({ data }) => data())).toEqual(views.map(() => [one, two])))
    expect(load.calls).toBe(2)
    answer = [two]
    tabs.reset()
    await until(() => expect(views.map(({ data }) => data())).toEqual(views.map(() => [two])))
    expect(load.calls).toBe(3)
  })

  it('ST5 takes what another tab has fetched for the event that this tab hears later', async () => {
    const tabs = createTabs()
    const load = createServer(() => [one])
    const [first, second] = [tabOf(tabs), tabOf(tabs)]
    for (const { stream, client } of [first, second]) observe(client, streamQuery(stream, notes(load)))
    const quiet = () => expect(first.client.isFetching() + second.client.isFetching()).toBe(0)
    await until(quiet)
    tabs.emit('notes.imported', null, undefined, false)
    await until(() => expect(load.calls).toBe(2))
    await until(quiet)
    const { dataUpdateCount } = second.client.getQueryCache().getAll()[0]!.state
    void second.emit('notes.imported', null, { id: '1' })
    await until(() =>
      expect(second.client.getQueryCache().getAll()[0]!.state.dataUpdateCount).toBe(dataUpdateCount + 1),
    )
    expect(load.calls).toBe(2)
  })

  it('a burst of events does not keep a fetch from its end, and costs few of them', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    load.isSlow = true
    for (let n = 0; n < 100; n++) tabs.emit('notes.imported', null)
    await until(() => expect(load.calls).toBe(2))
    for (let n = 0; n < 100; n++) tabs.emit('notes.imported', null)
    load.isSlow = false
    load.answer()
    await until(() => expect([load.calls, client.isFetching()]).toEqual([3, 0]))
  })

  it('a reset fetches anew what the stream feeds, and nothing else; without an observer, at the next one', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const [fed, idle, own] = [createServer(() => [one]), createServer(() => [one]), createServer(() => [one])]
    const view = observe(client, streamQuery(stream, notes(fed)))
    const unseen = observe(client, streamQuery(stream, { ...notes(idle), queryKey: ['idle'] }))
    observe(client, { queryKey: ['own'], queryFn: own, staleTime: Infinity })
    await until(() => expect([view.data(), unseen.data()]).toEqual([[one], [one]]))
    unseen.stop()
    tabs.reset()
    await until(() => expect([fed.calls, client.isFetching()]).toEqual([2, 0]))
    // What an event makes of it is no fresher than what it was.
    tabs.emit('note.added', two)
    expect(idle.calls).toBe(1)
    observe(client, streamQuery(stream, { ...notes(idle), queryKey: ['idle'] }))
    await until(() => expect(idle.calls).toBe(2))
    expect(own.calls).toBe(1)
  })

  it('fetches anew what was in the cache before the stream fed it', async () => {
    const { stream, client } = tabOf(createTabs())
    const load = createServer(() => [one, two])
    client.setQueryData(['notes'], [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    expect(view.data()).toEqual([one])
    await until(() => expect(view.data()).toEqual([one, two]))
    expect(load.calls).toBe(1)
  })

  it('hears the events of a topic, and takes what it fed for out of date once its handle is left', async () => {
    const tabs = createTabs()
    const { stream, client, topic } = tabOf(tabs)
    const load = createServer(() => [one])
    const join = () => (stream as unknown as Stream<EventMap>).topic('notes') as unknown as Topic<Events>
    const query = (handle: Topic<Events>) => streamQuery(stream, { ...notes(load), topic: handle })
    const handle = join()
    topic('notes').live()
    const view = observe(client, query(handle))
    await until(() => expect(view.data()).toEqual([one]))
    tabs.emit('note.added', two)
    expect(view.data()).toEqual([one])
    tabs.emit('note.added', two, 'notes')
    expect(view.data()).toEqual([one, two])
    topic('notes').reset()
    await until(() => expect([load.calls, client.isFetching()]).toEqual([2, 0]))
    view.stop()
    handle.leave()
    await new Promise((done) => setTimeout(done))
    expect(load.calls).toBe(2)
    const again = join()
    topic('notes').live()
    observe(client, query(again))
    await until(() => expect([load.calls, client.isFetching()]).toEqual([3, 0]))
  })

  it('lets go of a topic with the last query that it feeds', async () => {
    const { stream, client, topic } = tabOf(createTabs())
    const handle = (stream as unknown as Stream<EventMap>).topic('notes') as unknown as Topic<Events>
    topic('notes').live()
    const on = vi.spyOn(handle, 'on')
    await client.fetchQuery(streamQuery(stream, { ...notes(async () => [one]), topic: handle }) as never)
    const load = createServer(() => [one])
    client.removeQueries()
    // The query listens to two types while it is in the cache, and to both while it is fetched.
    expect(on).toHaveBeenCalledTimes(4)
    observe(client, streamQuery(stream, { ...notes(load), topic: handle }))
    await until(() => expect(load.calls).toBe(1))
    expect(on).toHaveBeenCalledTimes(8)
  })

  it('loads after 1 s although the stream is not open, and anew once it is', async () => {
    vi.useFakeTimers()
    const { stream, client, setStatus } = tabOf(createTabs())
    setStatus({ state: 'connecting' })
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await vi.advanceTimersByTimeAsync(900)
    expect(load.calls).toBe(0)
    await vi.advanceTimersByTimeAsync(200)
    expect([load.calls, view.data()]).toEqual([1, [one]])
    setStatus({ state: 'open' })
    await vi.advanceTimersByTimeAsync(100)
    expect(load.calls).toBe(2)
  })

  it('leaves out of date what the application has invalidated, whatever events make of it', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    view.stop()
    await client.invalidateQueries({ queryKey: ['notes'] })
    tabs.emit('note.added', two)
    observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(load.calls).toBe(2))
  })

  it('takes what a stream fed for out of date once it is closed', async () => {
    const { stream, client } = tabOf(createTabs())
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    expect(client.getQueryState(['notes'])?.isInvalidated).toBe(false)
    view.stop()
    stream.close()
    expect(client.getQueryState(['notes'])?.isInvalidated).toBe(true)
    expect(load.calls).toBe(1)
  })

  it('loads without the hub where the stream is over', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    stream.close()
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    expect(tabs.keys).toEqual([])
  })

  it('what is bound no more is out of date', async () => {
    const tabs = createTabs()
    const { stream, client, unbind } = tabOf(tabs)
    const load = createServer(() => [one])
    const view = observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(view.data()).toEqual([one]))
    view.stop()
    unbind()
    tabs.emit('note.added', two)
    expect(client.getQueryData(['notes'])).toEqual([one])
    observe(client, streamQuery(stream, notes(load)))
    await until(() => expect(load.calls).toBe(2))
  })

  it('names the load alike for equal keys, and within the bound of share for long ones', async () => {
    const tabs = createTabs()
    const { stream, client } = tabOf(tabs)
    const keys = [
      { b: 1, a: 'x'.repeat(500) },
      { a: 'x'.repeat(500), b: 1 },
      { a: 1, b: { d: 1, c: 2 } },
    ]
    for (const key of keys) {
      await client.fetchQuery(streamQuery(stream, { ...notes(async () => [one]), queryKey: [key] }) as never)
      client.clear()
    }
    expect(tabs.keys[0]).toBe(tabs.keys[1])
    expect(Math.max(...tabs.keys.map(({ length }) => length))).toBeLessThanOrEqual(200)
    expect(tabs.keys[2]).toBe('query:[{"a":1,"b":{"c":2,"d":1}}]')
  })
})
