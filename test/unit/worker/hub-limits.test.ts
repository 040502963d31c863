import { describe, expect, it } from 'vitest'
import { type LogStore, openLogStore } from '../../../worker/log-store.ts'
import { openHub, openTab } from '../harness/hub.ts'
import { sse } from '../harness/server.ts'
import { until } from '../harness/turns.ts'

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
    await test.platform.advance(10_000)
    await until(() => tab.status()?.durable === true)
    expect((await tab.hub.metrics()).errors.byKind).toEqual({ storage: 1 })
    await test.close()
  })

  it('D2 tells every tab when a commit fails, and goes on delivering', async () => {
    const commit: LogStore['commit'] = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const test = openHub(undefined, {
      openStore: async (name, onLost) => ({ ...(await openLogStore(name, onLost)), commit }),
    })
    const tabs = [await openTab(test), await openTab(test)]
    const body = (await test.platform.server.next()).stream()
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

  it('D4 a tab that keeps up is not outrun: the stream is read no faster than it takes', async () => {
    const test = openHub()
    const options = { log: { events: 100, bytes: 1_000_000, age: 3_600_000 } }
    const tab = await openTab(test, { options })
    const body = (await test.platform.server.next()).stream()
    for (let id = 1; id <= 1_000; id++) body.push(`id: ${id}\ndata: x\n\n`)
    while (tab.ids().length < 1_000) await test.platform.advance(10)
    expect(tab.ids()).toEqual(Array.from({ length: 1_000 }, (_, at) => String(at + 1)))
    expect(tab.batches.every(({ reset }) => reset === null)).toBe(true)
    await test.close()
  })
})
