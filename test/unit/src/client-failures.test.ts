import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StreamError } from '../../../src/index.ts'
import { hubLock, plainKey, tabLock, watchLock } from '../../../src/shared/names.ts'
import { pack } from '../../../src/shared/packed-events.ts'
import { type Hello, PROTOCOL, type TabApi } from '../../../src/shared/protocol.ts'
import type { ErrorData } from '../../../src/shared/status.ts'
import { countingClients } from '../harness/counting.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { settle, until } from '../harness/turns.ts'

describe('a client and a hub that is not as it should be', () => {
  let test: TestHub
  let page: Page

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
  })
  afterEach(async () => {
    page.close()
    vi.useRealTimers()
    await test.close()
  })

  const ping = () => ({ incarnation: 'i', attached: true })
  const { connect, open, tabLocks } = countingClients(() => ({ test, page }))

  it('T4 a hub of another version: `superseded`, told as an error', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    const error = {
      kind: 'superseded',
      message: 'Reload.',
      retryable: false,
      state: 'superseded',
      attempt: 0,
      status: null,
      lastEventId: '',
      at: 1,
      cause: null,
    }
    expose({ attach: () => ({ ok: false, error }), ping }, port1)
    const errors: StreamError[] = []
    const stream = connect({}, () => port2)
    stream.onError((each) => errors.push(each))
    await until(() => stream.status.state === 'superseded')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ kind: 'superseded', retryable: false, message: 'Reload.' })
    await settle()
    expect(tabLocks()).toEqual([])
    port1.close()
  })

  it('T4 a hub that is superseded later: for good, whatever it still says, and a page shown again does not ask', async () => {
    const { stream } = await open()
    const errors: StreamError[] = []
    stream.onError((error) => errors.push(error))
    const channel = test.platform.channels.open(plainKey('https://app.test/stream', 'ann'), () => {})
    channel.post({ type: 'hello', protocol: PROTOCOL + 1 })
    await until(() => stream.status.state === 'superseded')
    await test.platform.advance(100)
    page.hide()
    page.show(true)
    await settle()
    expect(stream.status).toMatchObject({ state: 'superseded', error: { kind: 'superseded' } })
    expect(errors.map(({ kind }) => kind)).toEqual(['superseded'])
    expect([page.workers.length, tabLocks()]).toEqual([1, []])
    // By hand it may ask again, and is told again.
    stream.reconnect()
    expect(page.workers).toHaveLength(2)
    await until(() => errors.length === 2)
    expect(stream.status.state).toBe('superseded')
  })

  it('T4 another version of the worker has another name, so that none is taken for the other', async () => {
    connect()
    await until(() => page.workers.length === 1)
    expect(page.workers[0]!.name).toContain(`:${PROTOCOL}`)
  })

  it('says hello with its protocol, its options and its place', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    let hello: unknown
    const attach = (given: unknown) => {
      hello = given
      return new Promise(() => {})
    }
    expose({ attach, ping }, port1)
    page.setVisible(false)
    const stream = connect({ from: { last: 3 }, maxEventSize: 5 }, () => port2)
    stream.on('count', () => {})
    await until(() => hello !== undefined)
    expect(hello).toMatchObject({
      protocol: PROTOCOL,
      cursor: null,
      from: { last: 3 },
      follow: { types: ['count'], topics: {} },
      visible: false,
      options: { url: 'https://app.test/stream', user: 'ann', maxEventSize: 5, auth: null },
    })
    port1.close()
  })

  it('warns where a tab before it has set other options', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await open()
    connect({ maxEventSize: 7 })
    await until(() => warn.mock.calls.length > 0)
    expect(warn.mock.calls[0]![0]).toContain('maxEventSize')
    warn.mockRestore()
  })

  it('T2 a hub that never answers is replaced after 10 s, five times, then `failed`; reconnect() tries again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let deaf = true
    const errors: StreamError[] = []
    const stream = connect({}, () => (deaf ? new MessageChannel().port2 : test.connect()))
    stream.onError((error) => errors.push(error))
    const metrics = stream.metrics().catch((error: StreamError) => error)
    await settle()
    // It is connected to every 2 s, since it may be there and only the connection lost.
    for (let connects = 2; connects <= 5; connects++) {
      vi.advanceTimersByTime(2_000)
      await until(() => page.workers.length === connects)
      await settle()
    }
    const names = () => new Set(page.workers.map(({ name }) => name)).size
    expect(names()).toBe(1)
    expect([stream.status.state, tabLocks().length]).toEqual(['idle', 1])
    for (let connects = 6; connects <= 30; connects++) {
      vi.advanceTimersByTime(2_000)
      await until(() => page.workers.length === connects)
      expect(stream.status.state).toBe('connecting')
      await settle()
    }
    expect(errors).toEqual([])
    // All tabs that wait for the same dead worker go to the same one next.
    expect(names()).toBe(6)
    vi.advanceTimersByTime(2_000)
    await until(() => stream.status.state === 'failed')
    expect(errors).toEqual([
      expect.objectContaining({ kind: 'worker', message: expect.stringContaining('5 times within 60 s') }),
    ])
    expect(await metrics).toMatchObject({ name: 'StreamError', kind: 'worker' })
    deaf = false
    stream.reconnect()
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
  })

  it('T2 a hub that never answers is left for where other tabs are, however many hang', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    // Two are watched by their hubs: the one has yet to find out that it hangs. One fell to a hub that hangs.
    const lockOf = (suffix: string) => tabLock(`01234567-89ab-cdef-0123-456789abcdef${suffix}`)
    for (const suffix of ['#third', '', '#second']) page.locks.hold(lockOf(suffix))
    for (const suffix of ['#third', '']) page.locks.hold(lockOf(suffix))
    const stream = connect({}, () => (page.workers.length < 5 ? new MessageChannel().port2 : test.connect()))
    await settle()
    for (let connects = 2; connects <= 6; connects++) {
      vi.advanceTimersByTime(2_000)
      await until(() => page.workers.length === connects)
      await settle()
    }
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
    expect(page.workers[5]!.name).toBe(`${page.workers[0]!.name}#third`)
    expect(tabLocks().at(-1)).toMatch(/#third$/)
  })

  it('T2 a connection that is lost on its way to a worker is made again, to the same worker', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ports = [new MessageChannel().port2, test.connect()]
    const stream = connect({}, () => ports.shift()!)
    await settle()
    vi.advanceTimersByTime(2_000)
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
    const [first, second] = page.workers.map(({ name }) => name)
    expect(second).toBe(first)
    expect(tabLocks()).toHaveLength(1)
  })

  it('T2 a hub that was reached, and is slow to attach, is not asked a second time before 10 s', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    let attached = 0
    const attach = () => {
      attached++
      return new Promise(() => {})
    }
    expose({ attach, ping }, port1)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    connect({}, () => (page.workers.length === 0 ? port2 : test.connect()))
    await until(() => attached === 1)
    await settle()
    vi.advanceTimersByTime(9_999)
    await settle()
    // A second attach() beside the first would leave a session behind that nobody has.
    expect([page.workers.length, attached]).toEqual([1, 1])
    vi.advanceTimersByTime(1)
    await until(() => page.workers.length === 2)
    port1.close()
  })

  it('what a hub delivers before it has answered is not heard after close()', async () => {
    const { expose, wrap } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    const tab = wrap<TabApi>(port1)
    const delivered = { seq: 1, id: '1', hasOwnId: true, type: 'count', data: '1', at: 1, topic: null }
    let attached = false
    const attach = () => {
      attached = true
      const batch = {
        epoch: 'e',
        rewind: null,
        to: 1,
        term: 1,
        leaders: [],
        committedUpTo: 0,
        streamClient: 'client',
        lastEventId: '1',
        reset: 'server' as const,
        topics: null,
        events: pack([delivered]),
      }
      void tab.deliver(batch, 1, false)
      return new Promise(() => {})
    }
    expose({ attach, ping }, port1)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const stream = connect({}, () => port2)
    const heard: unknown[] = []
    stream.on('count', (count) => heard.push(count))
    stream.onReset((reset) => heard.push(reset))
    await until(() => attached)
    await settle()
    expect(heard).toEqual([])
    stream.close()
    vi.advanceTimersByTime(10_000)
    await settle()
    expect(heard).toEqual([])
    port1.close()
  })

  describe('P8 a batch that takes its listeners long', () => {
    const lineage = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
    const batch = (from: number, to: number) => ({
      epoch: 'e',
      rewind: null,
      to,
      term: 1,
      leaders: null,
      committedUpTo: to,
      streamClient: 'client',
      lastEventId: `${to}`,
      reset: null,
      topics: null,
      events: pack(
        Array.from({ length: to - from + 1 }, (_, index) => {
          const seq = from + index
          return { seq, id: `${seq}`, hasOwnId: true, type: 'count', data: `${seq}`, at: 1, topic: null }
        }),
      ),
    })
    const ports: MessagePort[] = []
    /** The hub at the other end of a port gives its tab this batch. */
    const hub = async (incarnation: string, given: ReturnType<typeof batch>) => {
      const { expose, wrap } = await import('comlink')
      const { port1, port2 } = new MessageChannel()
      ports.push(port1)
      const release = page.locks.hold(hubLock(incarnation))
      const attach = ({ cursor }: Hello) => {
        setTimeout(() => void wrap<TabApi>(port1).deliver(given, 1, false))
        cursor ??= { epoch: 'e', seq: 0 }
        return {
          ok: true,
          incarnation,
          cursor,
          lineage,
          locks: true,
          status: { state: 'open' },
          differing: [],
        }
      }
      expose({ attach, ping: () => ({ incarnation, attached: true }) }, port1)
      return { port: port2, release }
    }
    const slow = () => {
      let now = 0
      vi.spyOn(performance, 'now').mockImplementation(() => now)
      return () => {
        now += 3
      }
    }
    afterEach(() => {
      vi.restoreAllMocks()
      for (const port of ports.splice(0)) port.close()
    })

    it('D2 is heard to its end before what the next hub gives', async () => {
      const work = slow()
      const [one, two] = [await hub('i', batch(1, 50)), await hub('j', batch(51, 52))]
      const heard: unknown[] = []
      const stream = connect({}, () => (page.workers.length === 0 ? one.port : two.port))
      stream.on('count', (count) => {
        work()
        heard.push(count)
        if (count === 4) one.release()
      })
      await until(() => heard.length >= 52)
      expect(page.workers).toHaveLength(2)
      expect(heard).toEqual(Array.from({ length: 52 }, (_, index) => index + 1))
      stream.close()
    })

    it('is not heard after close()', async () => {
      const work = slow()
      const { port } = await hub('i', batch(1, 50))
      const heard: unknown[] = []
      const stream = connect({}, () => port)
      stream.on('count', (count) => {
        work()
        heard.push(count)
        if (count === 6) stream.close()
      })
      await until(() => heard.length >= 6)
      await settle()
      expect(heard).toHaveLength(6)
    })
  })

  it('a call that a hub does not answer is given up after 10 s', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    const cursor = { epoch: 'e', seq: 0 }
    const lineage = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
    const welcome = { ok: true, incarnation: 'i', cursor, lineage, status: { state: 'open' }, differing: [] }
    page.locks.hold(hubLock('i'))
    expose({ attach: () => welcome, metrics: () => new Promise(() => {}), ping }, port1)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const stream = connect({}, () => port2)
    await until(() => stream.status.state === 'open')
    const outcome = stream.metrics().catch((error: StreamError) => error)
    await settle()
    vi.advanceTimersByTime(10_000)
    expect(await outcome).toMatchObject({ kind: 'worker', message: expect.stringContaining('metrics()') })
    expect(stream.status.state).toBe('open')
    port1.close()
  })

  it('T2 a call under way when its hub dies is answered by the next hub, at once', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    const cursor = { epoch: 'e', seq: 0 }
    const lineage = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
    const status = { state: 'open' }
    const welcome = { ok: true, incarnation: 'i', cursor, lineage, locks: true, status, differing: [] }
    const die = page.locks.hold(hubLock('i'))
    expose({ attach: () => welcome, metrics: () => new Promise(() => {}), ping }, port1)
    const stream = connect({}, () => (page.workers.length === 0 ? port2 : test.connect()))
    await until(() => stream.status.state === 'open')
    const metrics = stream.metrics()
    await settle()
    die()
    // No timer has run: the answer to the call is not waited for 10 s.
    await expect(metrics).resolves.toMatchObject({ tabs: 1 })
    port1.close()
  })

  describe('T2 a hub that hangs while all of its tabs are hidden', () => {
    const hang = async () => {
      const { expose } = await import('comlink')
      const { port1, port2 } = new MessageChannel()
      const cursor = { epoch: 'e', seq: 0 }
      const lineage = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
      const status = { state: 'open' }
      const welcome = { ok: true, incarnation: 'i', cursor, lineage, locks: true, status, differing: [] }
      page.locks.hold(hubLock('i'))
      let isHanging = false
      const answer = <T>(value: T) => (isHanging ? new Promise<T>(() => {}) : value)
      expose(
        {
          attach: () => welcome,
          ping: () => answer(ping()),
          metrics: () => answer({ errors: { total: 0, byKind: {} } }),
        },
        port1,
      )
      page.setVisible(false)
      const stream = connect({}, () => (page.workers.length === 0 ? port2 : test.connect()))
      await until(() => stream.status.state === 'open')
      // Ports keep their order: no earlier ping is under way once this is answered.
      await stream.metrics()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      isHanging = true
      return { stream, close: () => port1.close() }
    }
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 100) {
        vi.advanceTimersByTime(100)
        await settle(3)
      }
    }

    it('is noticed as soon as one comes into view', async () => {
      const { close } = await hang()
      await pass(50_000)
      expect(page.workers).toHaveLength(1)
      page.setVisible(true)
      await pass(3_500)
      expect(page.workers).toHaveLength(2)
      close()
    })

    it('is noticed as soon as one asks for something, and the next hub answers', async () => {
      const { stream, close } = await hang()
      const metrics = stream.metrics()
      await pass(3_500)
      expect(page.workers).toHaveLength(2)
      // The next hub opens its database by the timers that are driven by hand.
      for (let rounds = 0; rounds < 50 && stream.status.state !== 'open'; rounds++) await pass(100)
      await expect(metrics).resolves.toMatchObject({ tabs: 1 })
      close()
    })
  })

  it('T2 a tab that hears of a fault of its hub asks at once whether it still has a session', async () => {
    const { expose, wrap } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    const cursor = { epoch: 'e', seq: 0 }
    const lineage = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
    const status = { state: 'open' }
    const welcome = { ok: true, incarnation: 'i', cursor, lineage, locks: true, status, differing: [] }
    page.locks.hold(hubLock('i'))
    // Another tab watches the hub for all.
    page.locks.hold(watchLock('i', 'in view'))
    expose({ attach: () => welcome, ping: () => ({ incarnation: 'i', attached: false }) }, port1)
    const stream = connect({}, () => (page.workers.length === 0 ? port2 : test.connect()))
    stream.onError(() => {})
    await until(() => stream.status.state === 'open')
    await settle()
    expect(page.workers).toHaveLength(1)
    const fault = { kind: 'worker', message: 'A fault.', retryable: true, state: 'open' } as ErrorData
    await wrap<TabApi>(port1).error(fault)
    await until(() => page.workers.length === 2)
    port1.close()
  })

  it('T2 a call under way when the stream is closed is given up at once', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    expose({ attach: () => new Promise(() => {}), ping }, port1)
    const stream = connect({}, () => port2)
    const metrics = stream.metrics()
    await settle()
    stream.close()
    await expect(metrics).rejects.toMatchObject({ kind: 'worker', state: 'closed' })
    port1.close()
  })

  it('D1 the hub hears of a type with a comma, which is not two types', async () => {
    const { stream, body } = await open()
    const heard: string[] = []
    const listener = (_: unknown, { type }: { type: string }) => heard.push(type)
    const offs = ['a', 'b'].map((type) => stream.on(type as 'count', listener))
    await settle()
    stream.on('a,b' as 'count', listener)
    for (const off of offs) off()
    await settle()
    body.push('event: a,b\nid: 1\ndata: 1\n\n')
    await until(() => heard.length === 1)
    expect(heard).toEqual(['a,b'])
  })
})
