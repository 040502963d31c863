import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHub, openTab, type TabSetup, type TestHub } from '../harness/hub.ts'
import type { FakeBody } from '../harness/server.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

describe('a hub and its hidden tabs', () => {
  let test: TestHub
  let body: FakeBody

  const hidden = { visible: false }
  type Tab = Awaited<ReturnType<typeof openTab>>
  /** Tabs at one hub, whose stream is open. */
  const open = async (...setups: TabSetup[]): Promise<Tab[]> => {
    const tabs: Tab[] = []
    for (const setup of setups) tabs.push(await openTab(test, setup))
    body = (await test.platform.server.next()).stream()
    return tabs
  }
  const push = async (...ids: string[]) => {
    body.push(ids.map((id) => sse(id, 'x')).join(''))
    await settle()
    // Under load, tabs in view are delivered to a frame later (P3).
    await test.platform.advance(16)
  }

  beforeEach(() => {
    test = openHub()
  })
  afterEach(() => test.close())

  it('H1 a hidden tab gets what came while it waited once it comes into view, at once', async () => {
    const [inView, tab] = await open({}, { hello: hidden })
    await push('1')
    await push('2')
    await push('3')
    expect([inView!.ids(), tab!.ids()]).toEqual([['1', '2', '3'], ['1']])
    await tab!.hub.visible(true)
    await until(() => tab!.ids().length === 3)
    await push('4')
    expect(tab!.ids()).toEqual(['1', '2', '3', '4'])
  })

  it('H1 what has come by the time that a tab goes out of view does not wait', async () => {
    const [tab] = await open({ options: { coalesce: 60_000 } })
    await push('1')
    body.push(sse('2', 'x'))
    await settle()
    await tab!.hub.visible(false)
    await until(() => tab!.ids().length === 2)
  })

  it('H1 a hidden tab that attaches gets what the log has for it at once', async () => {
    const [first] = await open({ hello: hidden })
    await push('1')
    await push('2')
    expect(first!.ids()).toEqual(['1'])
    const late = await openTab(test, { hello: { ...hidden, from: 'start' } })
    await until(() => late.ids().length === 2)
  })

  it('H1 a hidden tab is told of a status, of an error and of a sign-out at once', async () => {
    const [tab] = await open({ hello: hidden })
    await push('1')
    await push('2')
    body.error()
    await until(() => tab!.status()?.state === 'waiting')
    expect(tab!.errors).toHaveLength(1)
    void tab!.hub.signOut()
    await until(() => tab!.signedOut() === 1)
  })

  it('H1 a hidden tab has what came before a reset by the time that it is told of it', async () => {
    const [tab] = await open({ hello: hidden })
    await push('1')
    body.push(sse('2', 'x') + sse('3', '', 'stream.reset') + sse('4', 'x'))
    await settle()
    await test.platform.advance(50)
    await until(() => tab!.batches.some(({ reset }) => reset === 'server'))
    expect(tab!.ids()).toEqual(['1', '2'])
    await test.platform.advance(1_000)
    await until(() => tab!.ids().length === 3)
  })

  it('H1, D4 a hidden tab neither holds up the stream nor is outrun by it', async () => {
    const log = { events: 100, bytes: 1_000_000, age: 3_600_000, newest: 200 }
    const options = { log, hidden: { every: 3_600_000, release: false as const } }
    const [inView, tab] = await open({ options }, { options, hello: hidden })
    const ids = Array.from({ length: 1_000 }, (_, at) => String(at + 1))
    for (let from = 0; from < 1_000; from += 10) await push(...ids.slice(from, from + 10))
    expect(inView!.ids()).toEqual(ids)
    expect(tab!.ids().length).toBeGreaterThanOrEqual(970)
    expect(tab!.batches.length).toBeLessThan(60)
    await tab!.hub.visible(true)
    await until(() => tab!.ids().length === 1_000)
    expect(tab!.ids()).toEqual(ids)
    expect(tab!.batches.every(({ reset }) => reset === null)).toBe(true)
  })

  it('H1 `every: 0` delivers to hidden tabs as to any', async () => {
    const options = { hidden: { every: 0, release: false as const } }
    const [tab] = await open({ options, hello: hidden })
    await push('1')
    await push('2')
    expect(tab!.ids()).toEqual(['1', '2'])
  })

  it('H1 the time for which hidden tabs wait is no latency of delivery', async () => {
    const [tab] = await open({ hello: hidden })
    await push('1')
    await push('2')
    await test.platform.advance(1_000)
    await until(() => tab!.ids().length === 2)
    expect((await tab!.hub.metrics()).deliveryLatency.p99).toBe(0)
  })

  it('H1 a tab with other options for hidden tabs is told that those of the first one hold', async () => {
    await open({})
    const other = await openTab(test, { options: { hidden: { every: 0, release: false } } })
    expect(other.welcome).toMatchObject({ ok: true, differing: ['hidden'] })
  })
})
