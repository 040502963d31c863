import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHub, openTab, type TabSetup, type TestHub } from '../harness/hub.ts'
import { type FakeBody, sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

/** Whether the call has been answered by now. */
const isAnswered = async (call: Promise<unknown>) => {
  let is = false
  void call.then(() => {
    is = true
  })
  await settle()
  return is
}
const newest = (count: number, types: string[] | '*' = '*') => ({ topic: null, types, from: { last: count } })

describe('a hub whose tabs read its log', () => {
  let test: TestHub
  let body: FakeBody

  const open = async (setup: TabSetup = {}) => {
    const tab = await openTab(test, setup)
    if (body === undefined) body = (await test.platform.server.next()).stream()
    return tab
  }

  beforeEach(() => {
    test = openHub()
    body = undefined as unknown as FakeBody
  })
  afterEach(() => test.close())

  it('ST1 answers a second tab with what came before it, from memory and from IndexedDB', async () => {
    const first = await open()
    body.push(sse('1', 'one', 'a') + sse('2', 'two', 'b'))
    await until(() => first.ids().length === 2)
    const second = await open()
    expect((await second.hub.read(newest(1, ['a']))).events).toMatchObject({ ids: ['1'], text: 'one' })
    await test.platform.advance(5_000)
    await test.close()
    const storage = globalThis.indexedDB
    const next = openHub(test.platform)
    expect(globalThis.indexedDB).toBe(storage)
    test = next
    const third = await openTab(test)
    expect((await third.hub.read(newest(9))).events).toMatchObject({ ids: ['1', '2'] })
  })

  it('ST1 has sent the tab all that is in the answer before the answer', async () => {
    const tab = await open()
    await settle()
    for (let id = 1; id <= 40; id++) {
      body.push(sse(String(id), 'x'))
      const { cursor } = await tab.hub.read(newest(1))
      expect(tab.batches.at(-1)?.to ?? 0).toBeGreaterThanOrEqual(cursor.seq)
    }
  })

  it('ST1 answers nothing once the user has signed out', async () => {
    const tab = await open()
    const other = await open()
    body.push(sse('1', 'secret'))
    await until(() => tab.ids().length === 1 && other.ids().length === 1)
    const underWay = tab.hub.place('never', 60_000)
    await settle()
    void other.hub.signOut()
    await until(() => tab.signedOut() === 1)
    expect(await isAnswered(tab.hub.read(newest(9)))).toBe(false)
    expect(await isAnswered(underWay)).toBe(false)
  })

  it('names the place of an id once the tab has been sent what comes up to there', async () => {
    const tab = await open({ hello: { follow: { types: ['a'], topics: {} } } })
    const place = tab.hub.place('3', 10_000)
    body.push(sse('1', 'x', 'a') + sse('2', 'x', 'b'))
    expect(await isAnswered(place)).toBe(false)
    body.push(sse('3', 'x', 'b'))
    expect(await place).toMatchObject({ seq: 3 })
    expect(tab.ids()).toEqual(['1'])
    // It may have come before the answer to the request that caused it.
    expect(await tab.hub.place('2', 10_000)).toMatchObject({ seq: 2 })
  })

  it('names the place of an id that stood alone, as long as it is the position', async () => {
    const tab = await open()
    body.push(`${sse('1', 'x')}id: 7\n\n`)
    await until(() => tab.ids().length === 1)
    expect(await tab.hub.place('7', 10_000)).toMatchObject({ seq: 1 })
  })

  it('names no place for an id that does not come in time', async () => {
    const tab = await open()
    const place = tab.hub.place('never', 500)
    await settle()
    await test.platform.advance(500)
    expect(await place).toBeNull()
  })

  it('H1 delivers to a hidden tab that waits for an id', async () => {
    const options = { hidden: { every: 60_000, release: false as const } }
    const tab = await open({ hello: { visible: false }, options })
    for (const id of ['1', '2']) {
      body.push(sse(id, 'x'))
      await settle()
      await test.platform.advance(16)
    }
    expect(tab.ids()).toEqual(['1'])
    expect(await tab.hub.place('2', 10_000)).toMatchObject({ seq: 2 })
    expect(tab.ids()).toEqual(['1', '2'])
  })
})
