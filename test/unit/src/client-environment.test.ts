import { expose } from 'comlink'
import { Window } from 'happy-dom'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ConnectOptions,
  connect as plainConnect,
  type Status,
  type StreamError,
} from '../../../src/index.ts'
import { hubLock } from '../../../src/shared/names.ts'
import { countingClients } from '../harness/counting.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

describe('a client where the environment refuses', () => {
  let test: TestHub
  let page: Page
  let unhandled: unknown[]
  const onUnhandled = (error: unknown) => void unhandled.push(error)

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    vi.spyOn(console, 'error').mockImplementation(() => {})
  })
  afterEach(async () => {
    page.close()
    vi.useRealTimers()
    vi.restoreAllMocks()
    await test.close()
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  const { connect, tabLocks } = countingClients(() => ({ test, page }))
  const heard = (stream: ReturnType<typeof connect>) => {
    const errors: StreamError[] = []
    stream.onError((error) => errors.push(error))
    return errors
  }
  const fail = (worker: number) => page.workers[worker]!.onerror!(new Event('error'))
  const denied = () => {
    throw new DOMException('Access is denied for this document.', 'SecurityError')
  }
  /** A Worker of the page's own, at the other end of a hub's port. */
  const dedicated = (port: () => MessagePort) => {
    const started: { name: string; onerror: unknown; terminated: boolean }[] = []
    const factory = ({ name }: { name: string }) => {
      const mine = port()
      const worker = Object.assign(mine, {
        name,
        onerror: null,
        terminated: false,
        terminate: () => {
          worker.terminated = true
          mine.close()
        },
      })
      started.push(worker)
      return worker as unknown as Worker
    }
    return { factory, started }
  }

  it('T2 constructors that throw are no exception of connect(): `failed`, with what to check, and no lock held', async () => {
    const stream = connect({ worker: { shared: denied, dedicated: denied } })
    const errors = heard(stream)
    await until(() => stream.status.state === 'failed')
    expect(errors).toEqual([expect.objectContaining({ kind: 'worker', retryable: false, state: 'failed' })])
    expect(errors[0]!.message).toMatch(/Content-Security-Policy.*cookies.*sandbox/)
    expect(errors[0]!.cause).toContain('Access is denied')
    await settle()
    expect([tabLocks(), page.locks.held().length]).toEqual([[], 1])
  })

  it('T2 a SharedWorker whose constructor throws leads to a Worker of this tab’s own', async () => {
    const { factory, started } = dedicated(test.connect)
    const stream = connect({ worker: { shared: denied, dedicated: factory } })
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
    expect(started).toHaveLength(1)
  })

  it('T2 a SharedWorker that is refused by an exception, and a Worker by an event, as Firefox does: `failed`', async () => {
    const { factory, started } = dedicated(test.connect)
    const stream = connect({ worker: { shared: denied, dedicated: factory } })
    const errors = heard(stream)
    await until(() => started.length === 1)
    ;(started[0] as unknown as Worker).onerror!(new Event('error') as ErrorEvent)
    await until(() => stream.status.state === 'failed')
    expect(errors).toEqual([expect.objectContaining({ kind: 'worker', retryable: false, state: 'failed' })])
    expect(errors[0]!.cause).toContain('Access is denied')
    await settle()
    expect(tabLocks()).toEqual([])
  })

  it('T2 locks that are denied to the page alone: its pings say that it is there', async () => {
    vi.stubGlobal('navigator', { locks: { request: async () => denied(), query: async () => denied() } })
    const stream = connect()
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
    expect((await stream.inspect()).sessions).toHaveLength(1)
  })

  it('T2 locks that are denied to page and worker: `failed`, with what to check', async () => {
    vi.stubGlobal('navigator', { locks: { request: denied, query: async () => denied() } })
    const { port1, port2 } = new MessageChannel()
    expose({ ping: () => ({ incarnation: 'i', attached: false }), attach: async () => denied() }, port1)
    const stream = connect({}, () => port2)
    const errors = heard(stream)
    await until(() => stream.status.state === 'failed')
    expect(errors).toEqual([expect.objectContaining({ kind: 'worker', retryable: false })])
    expect(errors[0]!.message).toMatch(/Web Locks.*cookies/)
    expect(page.workers).toHaveLength(1)
    port1.close()
  })

  describe('T2 a worker’s script that does not load', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    })

    /** From half of it to all of it: many tabs must not come at once. */
    const expectWait = ({ status: { nextAttemptAt, since } }: { status: Status }, ms: number) => {
      expect(nextAttemptAt! - since).toBeGreaterThanOrEqual(ms / 2)
      expect(nextAttemptAt! - since).toBeLessThanOrEqual(ms)
    }
    /** Both kinds of SharedWorker have failed, for the `times`th time. */
    const failBoth = async (times = 1) => {
      await until(() => page.workers.length === 2 * times - 1)
      fail(2 * times - 2)
      await until(() => page.workers.length === 2 * times)
      fail(2 * times - 1)
    }

    it('is waited for, and tried again with backoff until it loads', async () => {
      const stream = connect()
      const errors = heard(stream)
      await failBoth()
      expect(stream.status).toMatchObject({ state: 'waiting', error: { kind: 'worker', retryable: true } })
      expect(errors[0]!.message).toContain('Content-Security-Policy')
      expectWait(stream, 1_000)
      await settle()
      expect(tabLocks()).toEqual([])
      vi.advanceTimersByTime(1_000)
      expect(stream.status).toMatchObject({ state: 'connecting', nextAttemptAt: null })
      await failBoth(2)
      expectWait(stream, 2_000)
      vi.advanceTimersByTime(2_000)
      await until(() => page.workers.length === 5)
      ;(await test.platform.server.next()).stream()
      await until(() => stream.status.state === 'open')
      expect(errors).toHaveLength(2)
    })

    it.each(['looked at', 'online', 'asked to reconnect'])(
      'is tried at once when the page is %s',
      async (how) => {
        const stream = connect()
        heard(stream)
        await failBoth()
        expect(stream.status.state).toBe('waiting')
        if (how === 'looked at') page.setVisible(true)
        else if (how === 'online') page.online()
        else stream.reconnect()
        await until(() => page.workers.length === 3)
        ;(await test.platform.server.next()).stream()
        await until(() => stream.status.state === 'open')
        vi.advanceTimersByTime(60_000)
        await settle()
        expect(page.workers).toHaveLength(3)
      },
    )

    it('is waited for a minute at most', async () => {
      const stream = connect()
      heard(stream)
      for (let times = 1; times <= 9; times++) {
        await failBoth(times)
        vi.advanceTimersByTime(60_000)
      }
      await failBoth(10)
      expectWait(stream, 60_000)
    })

    it('is not tried after close(), nor in the back/forward cache', async () => {
      const stream = connect()
      heard(stream)
      await failBoth()
      page.hide()
      vi.advanceTimersByTime(60_000)
      await settle()
      expect(page.workers).toHaveLength(2)
      page.show(true)
      await until(() => page.workers.length === 3)
      fail(2)
      await until(() => page.workers.length === 4)
      fail(3)
      stream.close()
      vi.advanceTimersByTime(60_000)
      page.setVisible(true)
      await settle()
      expect(page.workers).toHaveLength(4)
    })

    it('leaves a tab with a worker of its own only until the SharedWorker loads, and loses nothing', async () => {
      const { factory, started } = dedicated(test.connect)
      const stream = connect({ worker: { shared: page.factory(test.connect), dedicated: factory } })
      const counts: number[] = []
      stream.on('count', (count) => counts.push(count))
      await failBoth()
      const body = (await test.platform.server.next()).stream()
      await until(() => stream.status.state === 'open')
      await settle()
      body.push(sse('1', '1', 'count'))
      await until(() => counts.length === 1)
      // It does not load yet: the stream goes on.
      vi.advanceTimersByTime(1_000)
      await until(() => page.workers.length === 3)
      fail(2)
      await until(() => page.workers.length === 4)
      fail(3)
      await settle()
      expect([started[0]!.terminated, stream.status.state]).toEqual([false, 'open'])
      vi.advanceTimersByTime(2_000)
      // The fifth is pinged, and the sixth is the one that is attached to.
      await until(() => page.workers.length === 6)
      await until(() => started[0]!.terminated)
      body.push(sse('2', '2', 'count'))
      await until(() => counts.length === 2)
      expect([counts, started.length, tabLocks().length]).toEqual([[1, 2], 1, 1])
    })
  })

  describe('a worker file that never calls serve()', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      // No hub at all: none holds its lock.
      vi.stubGlobal('navigator', { locks: openPageLocks() })
    })
    const openPageLocks = () => {
      page.locks.kill(page.locks.held().find((name) => name.startsWith(hubLock('')))!)
      return page.locks
    }
    const silent = () => new MessageChannel().port2

    it('T2 is `failed` within 10 s, and named', async () => {
      const stream = connect({}, silent)
      const errors = heard(stream)
      for (let connects = 1; connects <= 2; connects++) {
        await until(() => page.workers.length === connects)
        await settle()
        expect(stream.status.state).toBe('idle')
        vi.advanceTimersByTime(2_000)
      }
      await until(() => stream.status.state === 'failed')
      expect(errors).toEqual([expect.objectContaining({ kind: 'worker', state: 'failed' })])
      expect(errors[0]!.message).toMatch(/`worker`.*serve\(\).*"tabstream\/worker"/)
    })

    it('T2 is `failed` as well where the worker is this tab’s own', async () => {
      const { factory, started } = dedicated(silent)
      const stream = connect({ worker: { dedicated: factory } })
      heard(stream)
      await until(() => started.length === 1)
      await settle()
      vi.advanceTimersByTime(6_000)
      await until(() => stream.status.state === 'failed')
      expect(started[0]!.terminated).toBe(true)
    })

    it('T2 is told from a script that fails in silence by a worker of the tab’s own, within 10 s', async () => {
      const { factory, started } = dedicated(silent)
      const stream = connect({ worker: { shared: page.factory(silent), dedicated: factory } })
      heard(stream)
      const beSilent = async (times: number) => {
        for (let connects = 1; connects <= 2; connects++) {
          await until(() => page.workers.length === 2 * (times - 1) + connects)
          await settle()
          vi.advanceTimersByTime(2_000)
        }
        await until(() => started.length === times)
        await settle()
      }
      await beSilent(1)
      vi.advanceTimersByTime(6_000)
      await until(() => stream.status.state === 'failed')
      stream.reconnect()
      await beSilent(2)
      ;(started[1] as unknown as Worker).onerror!(new Event('error') as ErrorEvent)
      await until(() => stream.status.state === 'waiting')
    })

    it('T2 whose script has just failed is `waiting` after 2 s, since Firefox tells of no second failure', async () => {
      const stream = connect({}, silent)
      heard(stream)
      await until(() => page.workers.length === 1)
      fail(0)
      await until(() => page.workers.length === 2)
      await settle()
      vi.advanceTimersByTime(2_000)
      await until(() => stream.status.state === 'waiting')
      expect(stream.status.error!.message).toContain('could not be loaded')
    })

    it('T2 is tried again when looked at: its script may only have been slow to load', async () => {
      const stream = connect({}, () => (page.workers.length < 2 ? silent() : test.connect()))
      heard(stream)
      for (let connects = 1; connects <= 2; connects++) {
        await until(() => page.workers.length === connects)
        await settle()
        vi.advanceTimersByTime(2_000)
      }
      await until(() => stream.status.state === 'failed')
      page.setVisible(true)
      ;(await test.platform.server.next()).stream()
      await until(() => stream.status.state === 'open')
    })
  })

  it('T2 a page of plain http in a LAN: `failed`, in words about the page, and not an exception about the URL', async () => {
    vi.stubGlobal('isSecureContext', false)
    vi.stubGlobal('navigator', {})
    vi.stubGlobal('crypto', {})
    Object.assign(document, { baseURI: 'http://192.168.1.5:5173/' })
    const stream = connect()
    const errors = heard(stream)
    await until(() => stream.status.state === 'failed')
    expect(errors[0]).toMatchObject({ kind: 'worker', retryable: false })
    expect(errors[0]!.message).toMatch(/^This page was loaded by plain http/)
    expect(page.workers).toEqual([])
    stream.reconnect()
    await settle()
    expect(stream.status.state).toBe('failed')
  })

  it('T2 a browser without Web Locks: `failed`', async () => {
    vi.stubGlobal('navigator', {})
    const stream = connect()
    heard(stream)
    await until(() => stream.status.state === 'failed')
    expect(stream.status.error!.message).toContain('no Web Locks')
  })

  it('under happy-dom, and where there is no page, connect() names createTestStream', async () => {
    const window = new Window()
    for (const name of ['document', 'navigator'] as const) vi.stubGlobal(name, window[name])
    vi.stubGlobal('Worker', undefined)
    vi.stubGlobal('SharedWorker', undefined)
    const options: ConnectOptions = { user: 'ann' }
    expect(() => plainConnect('/stream', options)).toThrow(TypeError)
    expect(() => plainConnect('/stream', options)).toThrow('createTestStream')
    vi.stubGlobal('document', undefined)
    expect(() => plainConnect('/stream', options)).toThrow('createTestStream')
    await window.happyDOM.close()
  })

  it('inspect() of a stream that has failed without a worker tells why, and its key', async () => {
    const stream = connect({ worker: { shared: denied } })
    heard(stream)
    await until(() => stream.status.state === 'failed')
    expect(await stream.inspect()).toMatchObject({
      key: 'tabstream:ann@https://app.test/stream',
      status: { state: 'failed', error: { kind: 'worker' } },
      sessions: [],
    })
    await expect(stream.metrics()).rejects.toMatchObject({ kind: 'worker', state: 'failed' })
  })
})
