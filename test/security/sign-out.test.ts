import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectOptions, Stream, StreamError } from '../../src/index.ts'
import { keyOf } from '../../src/shared/names.ts'
import { CLOSE_GRACE } from '../../worker/base/close-grace.ts'
import { openLogStore } from '../../worker/log/store.ts'
import { openHub, type TestHub } from '../unit/harness/hub.ts'
import { openPage, type Page } from '../unit/harness/page.ts'
import { type FakeBody, type FakeRequest, sse } from '../unit/harness/server.ts'
import { settle, turn, until } from '../unit/harness/turns.ts'

const EXCHANGE = 'https://app.test/token'
const keyFor = (user: string) =>
  keyOf({
    url: 'https://app.test/stream',
    user,
    headers: {},
    withCredentials: false,
    auth: { exchange: EXCHANGE },
    verify: null,
    topics: null,
  })
const KEY = await keyFor('ann')

/** The page's end of a port, which a frozen page does not listen to; what comes meanwhile waits. */
const freezable = (port: MessagePort) => {
  let frozen = false
  const held: (() => void)[] = []
  const endpoint = {
    postMessage: port.postMessage.bind(port),
    start: () => port.start(),
    close: () => port.close(),
    addEventListener: (type: string, listener: (event: unknown) => void) =>
      port.addEventListener(type, (event) => {
        if (frozen) held.push(() => listener(event))
        else listener(event)
      }),
    removeEventListener: () => {},
  }
  return {
    endpoint: endpoint as unknown as MessagePort,
    freeze() {
      frozen = true
    },
    held: () => held.length,
    /** Each of them is a task of its own. */
    async thaw() {
      for (let run = held.shift(); run !== undefined; run = held.shift()) {
        run()
        await turn()
      }
      frozen = false
    },
  }
}

describe('A4 signOut()', () => {
  let test: TestHub
  let page: Page
  let bodies: FakeBody[]
  let streams: FakeRequest[]
  let exchanges: FakeRequest[]
  let answerExchange: (request: FakeRequest) => void
  let others: TestHub[]

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
    others = []
    bodies = []
    streams = []
    exchanges = []
    answerExchange = (request) =>
      request.json({ sse_token: `sse-${exchanges.length}`, expires_at: test.platform.now() / 1_000 + 600 })
    test.platform.server.handle((request) => {
      if (request.url === EXCHANGE) {
        exchanges.push(request)
        return answerExchange(request)
      }
      streams.push(request)
      bodies.push(request.stream())
    })
  })
  afterEach(async () => {
    vi.useRealTimers()
    page.close()
    for (const each of others) await each.close()
    await test.close()
  })

  const anotherHub = () => {
    const hub = openHub(test.platform)
    others.push(hub)
    return hub
  }
  const connect = (options: Partial<ConnectOptions> = {}, port = () => test.connect()) => {
    const stream: Stream<{ count: number }> = page.connect('/stream', {
      user: 'ann',
      auth: { getAccessToken: () => 'access', exchange: EXCHANGE },
      worker: { shared: page.factory(port) },
      ...options,
    })
    const heard: number[] = []
    stream.on('count', (count) => heard.push(count))
    return { stream, heard }
  }
  const opened = async (...args: Parameters<typeof connect>) => {
    const workers = page.workers.length
    const tab = connect(...args)
    // The key's digest takes its time, which no virtual clock drives.
    await until(() => page.workers.length > workers)
    // A follower hears of its leader by the workers' clock.
    for (let ms = 0; tab.stream.status.state !== 'open' && ms < 10_000; ms += 50)
      await test.platform.advance(50)
    expect(tab.stream.status.state).toBe('open')
    await settle()
    return tab
  }
  const count = (from: number, to: number) => {
    let text = ''
    for (let n = from; n <= to; n++) text += sse(String(n), String(n), 'count')
    return text
  }
  /** The workers' clock runs until it is over. */
  const over = async <T>(promise: Promise<T>): Promise<T> => {
    let done = false
    const end = () => {
      done = true
    }
    promise.then(end, end)
    for (let ms = 0; !done && ms < 30_000; ms += 50) await test.platform.advance(50, 10)
    return promise
  }
  const databases = async () => (await indexedDB.databases()).map(({ name }) => name)

  it('ends the stream in every tab of every hub, deletes the database, and lets go of every lock', async () => {
    const one = await opened()
    const two = await opened()
    const far = await opened({}, anotherHub().connect)
    bodies[0]!.push(count(1, 3))
    await until(() => far.heard.length === 3)
    expect(await databases()).toContain(KEY)

    await over(one.stream.signOut())
    for (const { stream } of [one, two, far]) {
      await until(() => stream.status.state === 'closed')
      expect(stream.status.error).toBeNull()
    }
    expect(streams.map((each) => each.aborted())).toEqual([true])
    expect(await databases()).not.toContain(KEY)
    await until(() => page.locks.held().every((name) => name.startsWith('tabstream:hub:')))
    await test.platform.advance(60_000)
    expect(streams).toHaveLength(1)
    expect(await databases()).not.toContain(KEY)
  })

  it('signOut() in a tab that was told of it resolves with the first one, not before', async () => {
    const [one, two] = [await opened(), await opened()]
    const order: string[] = []
    // The database is still in use for a while.
    const store = await openLogStore(KEY, () => {})
    const first = one.stream.signOut().then(
      () => order.push('first'),
      (error: StreamError) => order.push(`first: ${error.kind}`),
    )
    await until(() => two.stream.status.state === 'closed')
    const second = two.stream.signOut().then(
      () => order.push('second'),
      (error: StreamError) => order.push(`second: ${error.kind}`),
    )
    await settle()
    expect(order).toEqual([])
    store.close()
    await over(Promise.all([first, second]))
    expect(order.toSorted()).toEqual(['first', 'second'])
    expect(await databases()).not.toContain(KEY)
  })

  it('a tab that was told of it late, and is asked to sign out then, ends no stream that has begun afresh', async () => {
    const one = await opened()
    const told = await opened()
    await over(one.stream.signOut())
    await until(() => told.stream.status.state === 'closed')
    const again = await opened()
    await over(told.stream.signOut())
    await settle()
    expect(again.stream.status.state).toBe('open')
  })

  it('in the middle of a replay: not one event arrives in any tab after it has resolved', async () => {
    const tabs = [await opened(), await opened(), await opened({}, anotherHub().connect)]
    const heard = () => tabs.map((tab) => tab.heard.length)
    for (let from = 1; from <= 4_000; from += 100) bodies[0]!.push(count(from, from + 99))
    await until(() => heard().every((each) => each > 0))
    const own = tabs[0]!.heard.length
    const resolved = over(tabs[0]!.stream.signOut())
    bodies[0]!.push(count(4_001, 5_000))
    await resolved
    const then = heard()
    expect(then[0]).toBe(own)
    expect(Math.min(...then)).toBeLessThan(4_000)
    bodies[0]!.push(count(5_001, 5_100))
    await settle(200)
    await test.platform.advance(5_000)
    expect(heard()).toEqual(then)
  })

  it('connect() begins afresh in the same worker: another token, no position, no event of before', async () => {
    const { stream } = await opened()
    bodies[0]!.push(count(1, 3))
    await until(() => stream.status.lastEventId === '3')
    await over(stream.signOut())
    const again = await opened({ from: 'start' })
    await settle(100)
    expect(again.heard).toEqual([])
    expect(exchanges).toHaveLength(2)
    expect(streams[1]!.headers.get('authorization')).toBe('Bearer sse-2')
    expect(streams[1]!.headers.get('last-event-id')).toBeNull()
    expect(streams[1]!.headers.get('stream-client')).not.toBe(streams[0]!.headers.get('stream-client'))
    bodies[1]!.push(count(7, 8))
    await until(() => again.heard.length === 2)
    expect(again.heard).toEqual([7, 8])
    expect(await again.stream.metrics()).toMatchObject({ eventsReceived: { total: 2 } })
  })

  it('a tab that connects while it goes on waits for it, and begins afresh', async () => {
    const { stream } = await opened()
    const resolved = stream.signOut()
    const next = connect()
    await over(resolved)
    await until(() => next.stream.status.state === 'open')
    expect(exchanges).toHaveLength(2)
    expect(await databases()).toContain(KEY)
  })

  it('an exchange under way is broken off: it must not bring another token', async () => {
    answerExchange = () => {}
    const { stream } = connect()
    await until(() => exchanges.length === 1)
    await over(stream.signOut())
    expect(exchanges[0]!.aborted()).toBe(true)
    expect(streams).toEqual([])
  })

  it('a hub without tabs forgets as well', async () => {
    const idle = anotherHub()
    const was = await opened({}, idle.connect)
    const { stream } = await opened()
    was.stream.close()
    await test.platform.advance(3_000)
    await until(() => stream.status.state === 'open' && stream.status.role === 'leader')
    const before = exchanges.length
    await over(stream.signOut())
    await opened({}, idle.connect)
    expect(exchanges).toHaveLength(before + 1)
    expect(streams.at(-1)!.headers.get('last-event-id')).toBeNull()
  })

  it('two tabs that sign out at once, and one that does after another, are both served', async () => {
    const [one, two] = [await opened(), await opened({}, anotherHub().connect)]
    await over(Promise.all([one.stream.signOut(), two.stream.signOut(), one.stream.signOut()]))
    const three = await opened()
    const four = await opened()
    await over(three.stream.signOut())
    await until(() => four.stream.status.state === 'closed')
    await four.stream.signOut()
    expect(await databases()).not.toContain(KEY)
  })

  it('of a tab that has let go is refused: it has no way to the others any more', async () => {
    const { stream } = await opened()
    const stays = await opened()
    stream.close()
    await expect(stream.signOut()).rejects.toMatchObject({ kind: 'worker', state: 'closed' })
    bodies[0]!.push(count(1, 3))
    await until(() => stays.heard.length === 3)
    expect(streams.map((each) => each.aborted())).toEqual([false])
  })

  it('a worker that is frozen does not hang it: it says so, and the rest is done', async () => {
    const frozen = anotherHub()
    await opened({}, frozen.connect)
    const { stream } = await opened()
    frozen.freeze()
    const start = test.platform.now()
    await expect(over(stream.signOut())).rejects.toMatchObject({
      kind: 'worker',
      message: expect.stringMatching(/frozen/),
    })
    expect(test.platform.now() - start).toBeLessThan(9_000)
    expect(stream.status.state).toBe('closed')
  })

  it('a database that somebody holds on to does not hang it: it says so', async () => {
    const { stream } = await opened()
    const held = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(KEY)
      request.onsuccess = () => resolve(request.result)
    })
    await expect(over(stream.signOut())).rejects.toMatchObject({
      kind: 'storage',
      message: expect.stringMatching(/in use/),
    })
    expect(stream.status.state).toBe('closed')
    held.close()
    await until(async () => !(await databases()).includes(KEY))
  })

  it('a ping while it goes on, to which the hub has no session any more, is no death of the hub', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { stream } = await opened()
    const resolved = stream.signOut()
    await until(() => streams[0]!.aborted())
    await vi.advanceTimersByTimeAsync(1_500)
    await settle()
    expect(page.workers).toHaveLength(1)
    await over(resolved)
    expect(stream.status.state).toBe('closed')
  })

  it('a worker that does not answer does not hang it: this tab is closed, and told', async () => {
    const { stream, heard } = await opened()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    test.freeze()
    const failed = expect(stream.signOut()).rejects.toMatchObject({ kind: 'worker' } as Partial<StreamError>)
    await vi.advanceTimersByTimeAsync(20_000)
    await failed
    expect(stream.status.state).toBe('closed')
    expect(heard).toEqual([])
  })

  it('a frozen tab does not hang it, and drops what was on its way when it wakes', async () => {
    const { stream } = await opened()
    const gate = freezable(test.connect())
    const frozen = await opened({}, () => gate.endpoint)
    document.dispatchEvent(new Event('freeze'))
    gate.freeze()
    bodies[0]!.push(count(1, 2))
    await until(() => gate.held() > 0)
    await over(stream.signOut())
    document.dispatchEvent(new Event('resume'))
    await gate.thaw()
    await until(() => frozen.stream.status.state === 'closed')
    await settle(100)
    expect(frozen.heard).toEqual([])
  })

  it('a tab that was frozen while nobody signed out takes what waited for it', async () => {
    const gate = freezable(test.connect())
    const { heard } = await opened({}, () => gate.endpoint)
    document.dispatchEvent(new Event('freeze'))
    gate.freeze()
    bodies[0]!.push(count(1, 2))
    await until(() => gate.held() > 0)
    document.dispatchEvent(new Event('resume'))
    await gate.thaw()
    await until(() => heard.length === 2)
  })

  it('a page that comes back from the cache after it begins with a token of its own', async () => {
    const { stream } = await opened()
    const asked = vi.fn(() => 'access')
    const cached = await opened({ auth: { getAccessToken: asked, exchange: EXCHANGE } })
    // Only this page goes: both streams are of one page here, so the other one is signed out from elsewhere.
    page.hide()
    await test.platform.advance(3_000)
    const far = await opened({}, anotherHub().connect)
    await over(far.stream.signOut())
    const before = exchanges.length
    const opens = streams.length
    asked.mockClear()
    page.show(true)
    await settle()
    await test.platform.advance(CLOSE_GRACE)
    await until(() => streams.length > opens && cached.stream.status.state === 'open')
    expect(stream.status.state).toBe('open')
    expect(exchanges).toHaveLength(before + 1)
    expect(asked).toHaveBeenCalledOnce()
    expect(streams.at(-1)!.headers.get('last-event-id')).toBeNull()
  })

  it('leaves the streams and databases of other users alone', async () => {
    const bobs = anotherHub()
    const bob = await opened({ user: 'bob' }, bobs.connect)
    const { stream } = await opened()
    await over(stream.signOut())
    expect(bob.stream.status.state).toBe('open')
    const store = await openLogStore(await keyFor('bob'), () => {})
    expect((await store.all()).position).toBeDefined()
    store.close()
  })
})
