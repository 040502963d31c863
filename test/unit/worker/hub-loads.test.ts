import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ShareAnswer, ShareNeed } from '../../../src/shared/protocol.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { settle, until } from '../harness/turns.ts'

const NOW: ShareNeed = { at: null, kept: 'none', topic: null }
const STATE: ShareNeed = { at: null, kept: 'state', topic: null }

type Tab = Awaited<ReturnType<typeof openTab>>

describe('a hub whose tabs share loads', () => {
  let test: TestHub

  const ask = (tab: Tab, need = NOW) => {
    const call = { answer: null as ShareAnswer | null }
    void Promise.resolve(tab.hub.share('k', need)).then((given) => {
      call.answer = given
    })
    return call
  }
  const isRun = ({ answer }: { answer: ShareAnswer | null }) => answer?.is === 'run'
  const loadOf = ({ answer }: { answer: ShareAnswer | null }) => (answer as { load: string }).load

  beforeEach(() => {
    test = openHub()
  })
  afterEach(() => test.close())

  it('ST5 one of 8 tabs loads, and all others get a clone of what it got', async () => {
    const tabs = await Promise.all(Array.from({ length: 8 }, () => openTab(test)))
    const calls = tabs.map((tab) => ask(tab))
    await until(() => calls.some(isRun))
    await settle()
    const runner = calls.findIndex(isRun)
    const value = { at: new Date(7), bytes: new Uint8Array([1, 2]), map: new Map([['a', 1]]) }
    await tabs[runner]!.hub.shared(loadOf(calls[runner]!), { ok: true, value })
    await until(() => calls.every(({ answer }) => answer !== null))
    const values = calls.filter((call) => !isRun(call)).map(({ answer }) => answer)
    expect(values).toHaveLength(7)
    for (const answer of values) expect(answer).toMatchObject({ is: 'value', value })
  })

  it('ST5 T1 another tab loads once the one that did is gone', async () => {
    const [first, second] = [await openTab(test), await openTab(test)]
    const calls = [ask(first)]
    await until(() => isRun(calls[0]!))
    calls.push(ask(second))
    await settle()
    expect(calls[1]!.answer).toBeNull()
    first.die()
    await until(() => isRun(calls[1]!))
  })

  it('ST5 tells the tab that loads once nobody wants that any more', async () => {
    const tab = await openTab(test)
    const call = ask(tab)
    await until(() => isRun(call))
    const unwanted = tab.hub.unwanted(loadOf(call))
    await tab.hub.unshare('k')
    expect(await unwanted).toBe(true)
  })

  it('ST5 begins the load of a state once the stream is open', async () => {
    const tab = await openTab(test)
    const call = ask(tab, STATE)
    const request = await test.platform.server.next()
    await settle()
    expect(call.answer).toBeNull()
    request.stream()
    await until(() => isRun(call))
  })

  it('ST5 A4 has forgotten everything after a sign-out', async () => {
    const [tab, other] = [await openTab(test), await openTab(test)]
    const request = await test.platform.server.next()
    request.stream()
    const call = ask(tab, STATE)
    await until(() => isRun(call))
    await tab.hub.shared(loadOf(call), { ok: true, value: 'secret' })
    const kept = ask(tab, STATE)
    await until(() => kept.answer?.is === 'value')
    expect((await tab.hub.inspect()).loads).toEqual([{ key: 'k', state: 'kept', tabs: 0, seq: 0, size: 6 }])
    const underWay = ask(tab)
    await until(() => isRun(underWay))
    const waits = ask(other)
    await settle()
    void tab.hub.signOut()
    await until(() => other.signedOut() === 1)
    await settle()
    expect(waits.answer).toBeNull()
    const coming = openTab(test)
    await test.platform.advance(20_000)
    const next = await coming
    ;(await test.platform.server.next()).stream()
    const again = ask(next, STATE)
    await until(() => isRun(again))
  })
})
