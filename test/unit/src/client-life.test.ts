import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StreamError } from '../../../src/index.ts'
import { CLOSE_GRACE } from '../../../worker/base/close-grace.ts'
import { openLogStore } from '../../../worker/log/store.ts'
import { countingClients } from '../harness/counting.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

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

  const { connect, open, tabLocks } = countingClients(() => ({ test, page }))

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
    const request = await test.platform.server.next()
    expect(request.headers.get('authorization')).toBe('Bearer old')
    request.answer(401)
    await test.platform.advance(0)
    // The same token is not sent again.
    await until(() => stream.status.state === 'unauthorized')
    expect(test.platform.server.requests).toHaveLength(1)
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
    'A1 A2 getAccessToken that %s is told, and its words stay in the page',
    async (how, getAccessToken, words) => {
      // One that fails may have a token in a while: a server that is away, a laptop that has just woken.
      const again = how === 'throws' || how === 'rejects'
      const errors: StreamError[] = []
      const stream = connect({ auth: { getAccessToken: getAccessToken as () => string } })
      stream.onError((error) => errors.push(error))
      await until(() => stream.status.state === (again ? 'waiting' : 'unauthorized') && errors.length === 1)
      expect(errors[0]).toMatchObject({ kind: 'auth', retryable: true })
      expect(errors[0]!.message).toMatch(words)
      expect(JSON.stringify([errors, stream.status, await stream.inspect()])).not.toContain('very-secret')
    },
  )

  it('A2 getAccessToken that fails is asked again, and the stream comes back by itself', async () => {
    let fails = true
    const getAccessToken = async () => {
      if (fails) throw new Error('the network is down')
      return 'token'
    }
    const stream = connect({ auth: { getAccessToken } })
    await until(() => stream.status.state === 'waiting')
    fails = false
    await test.platform.advance(30_000)
    ;(await test.platform.server.next()).stream()
    await until(() => stream.status.state === 'open')
  })

  it('close() lets go of everything, and says so', async () => {
    const { stream, body, heard, request } = await open()
    expect(tabLocks()).toHaveLength(1)
    stream.close()
    expect(stream.status.state).toBe('closed')
    await until(() => test.released() === 1)
    await test.platform.advance(2_000)
    await until(() => request.aborted())
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

  it('D2 drops what a dead hub had delivered but not committed, when the next hub gets it again', async () => {
    let alive = true
    test = openHub(test.platform, {
      openStore: async (name, onLost) => {
        const store = await openLogStore(name, onLost)
        return { ...store, commit: (given) => (alive ? store.commit(given) : new Promise(() => {})) }
      },
    })
    const { stream, body, heard } = await open()
    body.push(sse('1', '1', 'count') + sse('2', '2', 'count'))
    await until(() => heard.length === 2)
    await settle()
    alive = false
    body.push(sse('3', '3', 'count'))
    await until(() => heard.length === 3)
    page.hide()
    test.kill()
    test = openHub(test.platform)
    page.show(true)
    await settle()
    await test.platform.advance(CLOSE_GRACE)
    const request = await test.platform.server.next()
    expect(request.headers.get('last-event-id')).toBe('2')
    // One without an id goes before it, so the new hub counts it under another seq.
    request.stream().push(sse(null, '30', 'count') + sse('3', '3', 'count') + sse('4', '4', 'count'))
    await until(() => heard.includes(4))
    await settle()
    expect(heard).toEqual([1, 2, 3, 30, 4])
    expect(stream.status.lastEventId).toBe('4')
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
    expect((await stream.inspect()).sessions[0]!.visible).toBe(false)
    page.setVisible(true)
    expect((await stream.inspect()).sessions[0]!.visible).toBe(true)
  })
})
