import { describe, expect, it } from 'vitest'
import { type LogStore, openLogStore } from '../../../worker/log/store.ts'
import { openHub, openTab } from '../harness/hub.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

describe('a hub whose storage or tabs fail', () => {
  it('D2 tells every tab that events are kept in memory only, and when they no longer are', async () => {
    let works = false
    const test = openHub(undefined, {
      openStore: (name, onLost) =>
        works ? openLogStore(name, onLost) : Promise.reject(new Error('no disk')),
    })
    const tab = await openTab(test)
    expect(tab.welcome).toMatchObject({ ok: true, status: { durable: false } })
    works = true
    ;(await test.platform.server.next()).stream()
    await test.platform.advance(10_000)
    await until(() => tab.status()?.durable === true)
    expect((await tab.hub.metrics()).errors.byKind).toEqual({ storage: 1 })
    await test.close()
  })

  it('D2 tells every tab when a commit fails, and goes on delivering', async () => {
    let full = false
    const test = openHub(undefined, {
      async openStore(name, onLost) {
        const store = await openLogStore(name, onLost)
        const commit: LogStore['commit'] = (given) =>
          full ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : store.commit(given)
        return { ...store, commit }
      },
    })
    const tabs = [await openTab(test), await openTab(test)]
    const body = (await test.platform.server.next()).stream()
    full = true
    body.push(sse('1', 'x'))
    for (const tab of tabs) {
      await until(() => tab.ids().length === 1 && tab.status()?.durable === false)
      expect(tab.errors).toEqual([
        expect.objectContaining({ kind: 'storage', retryable: true, state: 'open', lastEventId: '1' }),
      ])
      expect(tab.errors[0]!.cause).toContain('QuotaExceededError')
    }
    body.push(sse('2', 'x'))
    await until(() => tabs.every((tab) => tab.ids().length === 2))
    await test.close()
  })

  describe('D4 a tab that is slow but takes what it gets', () => {
    const options = { log: { events: 100, bytes: 1_000_000, age: 3_600_000, newest: 200 } }
    const numbers = Array.from({ length: 400 }, (_, at) => String(at + 1))
    const start = async () => {
      const test = openHub()
      let take = () => {}
      const tab = await openTab(test, {
        options,
        take: () =>
          new Promise((resolve) => {
            take = resolve
          }),
      })
      const body = (await test.platform.server.next()).stream()
      // Whose log it is in.
      await until(() => tab.batches.length === 1)
      take()
      for (const id of numbers) body.push(sse(id, 'x'))
      await until(() => tab.ids().length > 0)
      await settle(100)
      return { test, tab, body, take: () => take() }
    }

    it('is not outrun: the stream is read no faster than it takes', async () => {
      const { test, tab, body, take } = await start()
      expect(body.unread()).toBeGreaterThan(300)
      while (tab.ids().length < 400) {
        take()
        await test.platform.advance(10)
      }
      expect(tab.ids()).toEqual(numbers)
      expect(tab.batches.every(({ reset }) => reset === null)).toBe(true)
      take()
      await test.close()
    })

    it('is not outrun by one chunk that holds more than the log either', async () => {
      const test = openHub()
      let take = () => {}
      const taken = () =>
        new Promise<void>((resolve) => {
          take = resolve
        })
      const tab = await openTab(test, { options, take: taken })
      const body = (await test.platform.server.next()).stream()
      await until(() => tab.batches.length === 1)
      take()
      const many = Array.from({ length: 2_000 }, (_, at) => String(at + 1))
      body.push(many.map((id) => sse(id, 'x')).join(''))
      while (tab.ids().at(-1) !== '2000') {
        // Whatever the log holds by now is committed, and trimmed to its bounds.
        await test.platform.advance(50)
        take()
      }
      expect(tab.ids()).toEqual(many)
      expect(tab.batches.every(({ reset }) => reset === null)).toBe(true)
      await test.close()
    })

    it('holds the others up for 2 s at most: then it is stalled, and falls behind', async () => {
      const { test, tab, body, take } = await start()
      await test.platform.advance(2_100)
      await until(() => body.unread() <= 0)
      take()
      // A batch of few events may be on its way after that one.
      await settle(20)
      take()
      await until(() => tab.batches.some(({ reset }) => reset === 'fell-behind'))
      take()
      await test.close()
    })
  })

  it('R6 sends Stream-Client to its own origin, and to a stream whose tokens are exchanged', async () => {
    for (const [url, exchange, sent] of [
      ['https://app.test/stream', null, true],
      ['https://other.test/stream', null, false],
      ['https://other.test/stream', 'https://other.test/token', true],
    ] as const) {
      const test = openHub()
      await openTab(test, { options: { url, auth: { exchange } } })
      if (exchange !== null) {
        const request = await test.platform.server.next()
        // A foreign token endpoint may not know the header, and would fail its preflight.
        expect(request.headers.has('stream-client')).toBe(false)
        request.json({ expires_at: new Date(test.platform.now() + 600_000) })
      }
      expect((await test.platform.server.next()).headers.has('stream-client')).toBe(sent)
      await test.close()
    }
  })

  it('A3 binds the token to the browser’s log of this user: the exchange names the same client as the stream', async () => {
    const test = openHub()
    await openTab(test, { options: { auth: { exchange: 'https://app.test/token' } } })
    const exchange = await test.platform.server.next()
    exchange.json({ expires_at: new Date(test.platform.now() + 600_000) })
    const client = exchange.headers.get('stream-client')
    expect(client).toMatch(/^uuid-/)
    expect((await test.platform.server.next()).headers.get('stream-client')).toBe(client)
    await test.close()
  })
})
