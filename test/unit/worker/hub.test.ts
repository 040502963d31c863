import { wrap } from 'comlink'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyOf } from '../../../src/shared/names.ts'
import { type HubApi, PROTOCOL } from '../../../src/shared/protocol.ts'
import { CLOSE_GRACE } from '../../../worker/base/close-grace.ts'
import { openLogStore } from '../../../worker/log/store.ts'
import { OPTIONS } from '../harness/connection.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { sse } from '../harness/server.ts'
import { defer, settle, until } from '../harness/turns.ts'

describe('a hub and its tabs', () => {
  let test: TestHub

  beforeEach(() => {
    test = openHub()
  })
  afterEach(() => test.close())

  const accept = async () => {
    const request = await test.platform.server.next()
    return { request, body: request.stream() }
  }

  it('welcomes a tab with the status of the moment, and opens the stream', async () => {
    const tab = await openTab(test)
    expect(tab.welcome).toMatchObject({
      ok: true,
      incarnation: 'uuid-1',
      cursor: { seq: 0 },
      differing: [],
      status: { state: 'idle', host: 'shared-worker', role: 'follower', tabs: 1, durable: true },
    })
    await until(() => tab.status()?.state === 'connecting')
    expect(tab.status()).toMatchObject({ role: 'leader', attempt: 1 })
    const { request } = await accept()
    expect(request.url).toBe('https://app.test/stream')
    await until(() => tab.status()?.state === 'open')
  })

  it('L1 T2 a hub whose lock is denied is `failed` and says what to check, once, until the lock is granted', async () => {
    test.platform.locks.deny(true)
    const tab = await openTab(test)
    await until(() => tab.status()?.state === 'failed')
    // Without locks, pings show that the tab is there.
    const pass = async (seconds: number, isOver = () => false) => {
      for (let s = 0; s < seconds && !isOver(); s++) {
        await tab.hub.ping()
        await test.platform.advance(1_000)
      }
    }
    await pass(10)
    expect(tab.errors).toEqual([
      expect.objectContaining({ kind: 'worker', state: 'failed', retryable: true }),
    ])
    expect(tab.status()?.error).toMatchObject({ message: expect.stringMatching(/Web Lock/) })
    test.platform.locks.deny(false)
    const { requests } = test.platform.server
    await pass(60, () => requests.length > 0)
    const { body } = await accept()
    body.push(': open\n\n')
    await until(() => tab.status()?.state === 'open')
    expect(tab.status()).toMatchObject({ role: 'leader', error: null })
  })

  it('L1 what throws while a leader hears another hub is told once, and the stream that stands stays `open`', async () => {
    const tab = await openTab(test)
    await accept()
    await until(() => tab.status()?.state === 'open')
    const other = test.platform.openChannel(await keyOf(OPTIONS), () => {})
    for (let n = 1; n <= 2; n++) other.post({ type: 'newer-log', protocol: PROTOCOL })
    await until(() => tab.errors.length > 0)
    await settle(50)
    expect(tab.errors).toEqual([expect.objectContaining({ kind: 'worker', state: 'open', retryable: true })])
    expect(tab.status()).toMatchObject({ state: 'open', role: 'leader', error: null })
    expect((await tab.hub.metrics()).errors).toEqual({ total: 2, byKind: { worker: 2 } })
  })

  it('A4 a tab that attaches while another signs out begins afresh: nothing of what was ended is used', async () => {
    const log = defer<void>()
    const slow = openHub(undefined, {
      openStore: async (name, onLost) => {
        await log.promise
        return openLogStore(name, onLost)
      },
    })
    const signsOut = wrap<HubApi>(slow.connect())
    const joining = openTab(slow)
    await settle()
    const out = signsOut.signOut()
    await settle()
    log.resolve()
    await slow.platform.advance(4_000)
    const [tab] = [await joining, await out]
    expect(tab.welcome).toMatchObject({ ok: true, status: { tabs: 1 } })
    const body = (await slow.platform.server.next()).stream()
    body.push(sse('1', 'x'))
    await until(() => tab.ids().length === 1)
    expect(slow.platform.server.requests).toHaveLength(1)
    expect(await tab.hub.ping()).toMatchObject({ attached: true })
    await slow.close()
  })

  it('S1 keeps one stream for any number of tabs, and D1 gives each of them every event', async () => {
    const tabs = []
    for (let count = 0; count < 8; count++) tabs.push(await openTab(test))
    const { body } = await accept()
    for (let id = 1; id <= 50; id++) body.push(sse(String(id), 'x'))
    await settle(50)
    await test.platform.advance(16)
    const expected = Array.from({ length: 50 }, (_, at) => String(at + 1))
    for (const tab of tabs) {
      await until(() => tab.ids().length >= 50)
      expect(tab.ids()).toEqual(expected)
      await until(() => tab.status()?.tabs === 8 && tab.status()?.state === 'open')
    }
    expect(test.platform.server.requests).toHaveLength(1)
    expect((await tabs[0]!.hub.metrics()).tabs).toBe(8)
  })

  it('P3 a thousand a second are read when a delivery is due, and nothing is left behind', async () => {
    const tabs = []
    for (let count = 0; count < 6; count++) tabs.push(await openTab(test))
    const { body } = await accept()
    let most = 0
    for (let id = 1; id <= 500; id++) {
      body.push(sse(String(id), 'x'))
      await test.platform.advance(1)
      most = Math.max(most, body.unread())
    }
    expect(most).toBeGreaterThan(10)
    expect(most).toBeLessThanOrEqual(16)
    await test.platform.advance(16)
    for (const tab of tabs) await until(() => tab.ids().length === 500)
    expect(tabs[0]!.batches.length).toBeLessThan(60)
  })

  it('D1 gives each tab what it follows, and D5 from where it asked for', async () => {
    const first = await openTab(test, { hello: { follow: { types: ['a'], topics: {} } } })
    const { body } = await accept()
    body.push(sse('1', 'x', 'a') + sse('2', 'x', 'b') + sse('3', 'x', 'a'))
    await until(() => first.ids().length === 2)
    await settle()
    const start = await openTab(test, { hello: { from: 'start' } })
    const last = await openTab(test, { hello: { from: { last: 1 } } })
    const after = await openTab(test, { hello: { from: { after: '2' } } })
    const now = await openTab(test)
    body.push(sse('4', 'x', 'b'))
    await until(() => [start, last, after, now].every((tab) => tab.ids().includes('4')))
    expect(start.ids()).toEqual(['1', '2', '3', '4'])
    expect(last.ids()).toEqual(['3', '4'])
    expect(after.ids()).toEqual(['3', '4'])
    expect(now.ids()).toEqual(['4'])
    expect(first.ids()).toEqual(['1', '3'])
    await first.hub.follow({ types: ['b'], topics: {} }, [])
    body.push(sse('5', 'x', 'b') + sse('6', 'x', 'a'))
    await until(() => first.ids().includes('5'))
    expect(first.ids()).toEqual(['1', '3', '5'])
  })

  it('D3 the same event twice within a connection reaches a tab twice; what the next connection repeats does not', async () => {
    const tab = await openTab(test)
    const { body } = await accept()
    body.push(sse('tick', 'x') + sse('tick', 'x'))
    await until(() => tab.ids().length === 2)
    body.end()
    await until(() => tab.status()?.state === 'waiting')
    await test.platform.advance(30_000)
    const again = await accept()
    expect(again.request.headers.get('last-event-id')).toBe('tick')
    again.body.push(sse('tick', 'x') + sse('tick', 'x') + sse('tock', 'x'))
    await until(() => tab.ids().includes('tock'))
    expect(tab.ids()).toEqual(['tick', 'tick', 'tock'])
  })

  it('D5 an id that the log lacks is a reset, before anything newer', async () => {
    const first = await openTab(test)
    const { body } = await accept()
    body.push(sse('1', 'x'))
    await until(() => first.ids().length === 1)
    const tab = await openTab(test, { hello: { from: { after: 'unknown' } } })
    body.push(sse('2', 'x'))
    await until(() => tab.ids().length === 1)
    expect(tab.batches.map(({ reset }) => reset)).toEqual(['fell-behind', null])
    expect(tab.ids()).toEqual(['2'])
  })

  it('D5 on a first visit the first request asks for what follows the id that a tab names, and no reset is told', async () => {
    const tab = await openTab(test, { hello: { from: { after: '41' } } })
    const { request, body } = await accept()
    expect(request.headers.get('last-event-id')).toBe('41')
    body.push(sse('42', 'x'))
    await until(() => tab.ids().length === 1)
    expect(tab.batches.map(({ reset }) => reset).filter((reset) => reset !== null)).toEqual([])
    expect(tab.ids()).toEqual(['42'])
  })

  it('D5 a server that no longer knows that id says so, and the tab hears it before anything newer', async () => {
    const tab = await openTab(test, { hello: { from: { after: '41' } } })
    const request = await test.platform.server.next()
    const body = request.stream({ 'stream-resume': 'reset' })
    body.push(sse('90', 'x'))
    await until(() => tab.ids().length === 1)
    const resets = tab.batches.flatMap(({ reset, events }) => reset ?? events.map(({ id }) => id))
    expect(resets).toEqual(['server', '90'])
  })

  it('D5 a second tab that names another id is told that its hub does not know it', async () => {
    const first = await openTab(test, { hello: { from: { after: '41' } } })
    const second = await openTab(test, { hello: { from: { after: '43' } } })
    const { request, body } = await accept()
    expect(request.headers.get('last-event-id')).toBe('41')
    body.push(sse('42', 'x'))
    await until(() => first.ids().length === 1 && second.ids().length === 1)
    expect(first.batches.some(({ reset }) => reset !== null)).toBe(false)
    expect(second.batches[0]!.reset).toBe('fell-behind')
  })

  it('D4 a tab that comes back goes on from its cursor, whatever `from` says', async () => {
    const gone = await openTab(test)
    const stays = await openTab(test)
    const { body } = await accept()
    body.push(sse('1', 'x'))
    await until(() => gone.ids().length === 1)
    const { epoch, to } = gone.batches.at(-1)!
    gone.die()
    body.push(sse('2', 'x') + sse('3', 'x'))
    await until(() => stays.ids().length === 3)
    const back = await openTab(test, { hello: { cursor: { epoch, seq: to }, from: 'start' } })
    await until(() => back.ids().length === 2)
    expect(back.ids()).toEqual(['2', '3'])
    const stranger = await openTab(test, { hello: { cursor: { epoch: 'another', seq: 1 } } })
    await until(() => stranger.batches.length === 1)
    expect(stranger.batches[0]).toMatchObject({ reset: 'log-lost', events: [] })
  })

  it('tells every tab of an error, and of the status that follows from it', async () => {
    const tabs = [await openTab(test), await openTab(test)]
    ;(await test.platform.server.next()).answer(500)
    for (const tab of tabs) {
      await until(() => tab.errors.length === 1 && tab.status()?.state === 'waiting')
      expect(tab.errors[0]).toMatchObject({ kind: 'http', status: 500, retryable: true })
      expect(tab.status()?.error).toEqual(tab.errors[0])
    }
    expect((await tabs[0]!.hub.metrics()).errors).toEqual({ total: 1, byKind: { http: 1 } })
  })

  it('S5 a tab made visible while waiting tries at once, and `reconnect` reopens what stands', async () => {
    const tab = await openTab(test)
    ;(await test.platform.server.next()).answer(500)
    await until(() => tab.status()?.state === 'waiting')
    await tab.hub.visible(false)
    await settle()
    expect(test.platform.server.waiting()).toBe(0)
    await tab.hub.visible(true)
    const { request } = await accept()
    await until(() => tab.status()?.state === 'open')
    await tab.hub.reconnect()
    await test.platform.advance(CLOSE_GRACE)
    await accept()
    expect(request.aborted()).toBe(true)
  })

  it('D6 a hub after it resumes after the last committed id', async () => {
    const tab = await openTab(test)
    const { body } = await accept()
    body.push(sse('7', 'x'))
    await until(() => tab.ids().length === 1)
    await test.close()
    await test.platform.advance(CLOSE_GRACE)
    test = openHub(test.platform)
    const again = await openTab(test, { hello: { cursor: { epoch: tab.batches[0]!.epoch, seq: 1 } } })
    const { request } = await accept()
    expect(request.headers.get('last-event-id')).toBe('7')
    expect(again.welcome).toMatchObject({ cursor: { epoch: tab.batches[0]!.epoch, seq: 1 } })
  })
})
