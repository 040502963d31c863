import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectOptions, Stream, StreamError } from '../../../src/index.ts'
import { PROTOCOL, tabLock } from '../../../src/protocol.ts'
import { CLOSE_GRACE } from '../../../worker/connection.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

type Events = { count: number }

describe('the life of a client', () => {
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

  const connect = (
    options: Partial<ConnectOptions> = {},
    port: () => MessagePort = test.connect,
  ): Stream<Events> =>
    page.connect<Events>('/stream', { user: 'ann', worker: { shared: page.factory(port) }, ...options })
  const open = async (options: Partial<ConnectOptions> = {}) => {
    const stream = connect(options)
    const heard: number[] = []
    stream.on('count', (count) => heard.push(count))
    const request = await test.platform.server.next()
    const body = request.stream()
    await until(() => stream.status.state === 'open')
    await settle()
    return { stream, request, body, heard }
  }
  const tabLocks = () => page.locks.held().filter((name) => name.startsWith(tabLock('')))

  it('reconnect() reopens a stream that stands', async () => {
    const { stream, request } = await open()
    stream.reconnect()
    await until(() => request.aborted())
    await test.platform.advance(CLOSE_GRACE)
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
  })

  it('reconnect() ends `unauthorized` with a new token', async () => {
    let token = 'old'
    const stream = connect({ auth: { getAccessToken: async () => token } })
    for (const _ of [1, 2]) {
      const request = await test.platform.server.next()
      expect(request.headers.get('authorization')).toBe('Bearer old')
      request.answer(401)
      await test.platform.advance(0)
    }
    await until(() => stream.status.state === 'unauthorized')
    token = 'new'
    stream.reconnect()
    expect((await test.platform.server.next()).headers.get('authorization')).toBe('Bearer new')
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('expired very-secret')
      },
      /failed/,
    ],
    ['rejects', () => Promise.reject(new Error('expired very-secret')), /failed/],
    ['gives nothing', () => undefined, /no token/],
    ['gives an empty string', () => '', /no token/],
  ])(
    'A1 getAccessToken that %s is `unauthorized`, and its words stay in the page',
    async (_, getAccessToken, words) => {
      const errors: StreamError[] = []
      const stream = connect({ auth: { getAccessToken: getAccessToken as () => string } })
      stream.onError((error) => errors.push(error))
      await until(() => stream.status.state === 'unauthorized' && errors.length === 1)
      expect(errors[0]).toMatchObject({ kind: 'auth', retryable: false })
      expect(errors[0]!.message).toMatch(words)
      expect(JSON.stringify([errors, stream.status, await stream.inspect()])).not.toContain('very-secret')
    },
  )

  it('close() lets go of everything, and says so', async () => {
    const { stream, body, heard, request } = await open()
    expect(tabLocks()).toHaveLength(1)
    stream.close()
    expect(stream.status.state).toBe('closed')
    await until(() => test.released() === 1 && request.aborted())
    expect(tabLocks()).toEqual([])
    body.push(sse('1', '1', 'count'))
    await settle()
    expect(heard).toEqual([])
    await expect(stream.metrics()).rejects.toMatchObject({
      kind: 'worker',
      name: 'StreamError',
      state: 'closed',
    })
    stream.reconnect()
    stream.close()
    page.show(true)
    await settle()
    expect(page.workers).toHaveLength(1)
    expect(stream.status.state).toBe('closed')
  })

  it('close() in one tab leaves the others theirs', async () => {
    const { stream, request } = await open()
    await openTab(test)
    stream.close()
    await until(() => test.released() === 1)
    expect(request.aborted()).toBe(false)
  })

  it('events() after close() ends at once', async () => {
    const { stream } = await open()
    stream.close()
    const next = stream.events('count').next()
    await settle()
    expect(await Promise.race([next, Promise.resolve('hangs')])).toMatchObject({ done: true })
  })

  it('T3 lets go of everything on pagehide, and goes on from its cursor when it is shown again', async () => {
    const { stream, body, heard } = await open()
    await openTab(test)
    body.push(sse('1', '1', 'count'))
    await until(() => heard.length === 1)
    page.hide()
    await until(() => test.released() === 1)
    expect(tabLocks()).toHaveLength(1)
    body.push(sse('2', '2', 'count') + sse('3', '3', 'count'))
    await settle()
    expect(heard).toEqual([1])
    page.show(true)
    await until(() => heard.length === 3)
    expect(heard).toEqual([1, 2, 3])
    expect(stream.status.state).toBe('open')
    expect(page.workers).toHaveLength(2)
  })

  it('T3 an ordinary pageshow attaches nothing twice', async () => {
    await open()
    page.show(false)
    await settle()
    expect(page.workers).toHaveLength(1)
  })

  it('S5 tells the hub whether it is visible', async () => {
    const { stream } = await open()
    page.setVisible(false)
    await until(() => true)
    expect((await stream.inspect()).sessions[0]!.visible).toBe(false)
    page.setVisible(true)
    expect((await stream.inspect()).sessions[0]!.visible).toBe(true)
  })

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
    expose({ attach: () => ({ ok: false, error }) }, port1)
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

  it('says hello with its protocol, its options and its place', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    let hello: unknown
    const attach = (given: unknown) => {
      hello = given
      return new Promise(() => {})
    }
    expose({ attach }, port1)
    page.setVisible(false)
    const stream = connect({ from: { last: 3 }, maxEventSize: 5 }, () => port2)
    stream.on('count', () => {})
    await until(() => hello !== undefined)
    expect(hello).toMatchObject({
      protocol: PROTOCOL,
      cursor: null,
      from: { last: 3 },
      follow: ['count'],
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

  it('a worker that cannot be loaded is `failed`, with what to check', async () => {
    const { port2 } = new MessageChannel()
    const errors: StreamError[] = []
    const stream = connect({}, () => port2)
    stream.onError((error) => errors.push(error))
    page.workers[0]!.onerror!(new Event('error'))
    expect(stream.status).toMatchObject({ state: 'failed', error: { kind: 'worker' } })
    expect(errors[0]).toMatchObject({ kind: 'worker', retryable: false, state: 'failed' })
    expect(errors[0]!.message).toContain('Content-Security-Policy')
    await expect(stream.inspect()).rejects.toMatchObject({ kind: 'worker', state: 'failed' })
  })

  it('T2 a hub that never answers is `failed` after 10 s, and reconnect() starts another', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ports = [new MessageChannel().port2, test.connect()]
    const errors: StreamError[] = []
    const stream = connect({}, () => ports.shift()!)
    stream.onError((error) => errors.push(error))
    const metrics = stream.metrics().catch((error: StreamError) => error)
    await settle()
    vi.advanceTimersByTime(9_999)
    await settle()
    expect(stream.status.state).toBe('idle')
    vi.advanceTimersByTime(1)
    await until(() => stream.status.state === 'failed')
    expect(errors[0]).toMatchObject({ kind: 'worker', message: expect.stringContaining('10 s') })
    vi.advanceTimersByTime(10_000)
    expect(await metrics).toMatchObject({ name: 'StreamError', kind: 'worker' })
    stream.reconnect()
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
  })

  it('a call that a hub does not answer is given up after 10 s', async () => {
    const { expose } = await import('comlink')
    const { port1, port2 } = new MessageChannel()
    const cursor = { epoch: 'e', seq: 0 }
    const welcome = { ok: true, incarnation: 'i', cursor, status: { state: 'open' }, differing: [] }
    expose({ attach: () => welcome, metrics: () => new Promise(() => {}) }, port1)
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

  it('throws a TypeError that says what is missing: Web Locks, SharedWorker, `user`', () => {
    vi.stubGlobal('navigator', {})
    expect(() => connect()).toThrow(/must be https/)
    vi.stubGlobal('navigator', { locks: page.locks })
    vi.stubGlobal('SharedWorker', undefined)
    expect(() => connect()).toThrow(/no SharedWorker/)
    expect(() => connect({ user: undefined as never })).toThrow(/`user` is missing/)
  })
})
