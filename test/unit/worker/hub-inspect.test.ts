import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { until } from '../harness/turns.ts'

describe('what a hub tells an inspector', () => {
  let test: TestHub

  beforeEach(() => {
    test = openHub()
  })
  afterEach(() => test.close())

  const accept = async () => {
    const request = await test.platform.server.next()
    return { request, body: request.stream() }
  }

  it('I1 the time line tells what was before anybody looked: hub, tab, states, errors', async () => {
    const tab = await openTab(test)
    ;(await test.platform.server.next()).answer(503)
    await until(() => tab.status()?.state === 'waiting')
    await test.platform.advance(1_000)
    await accept()
    await until(() => tab.status()?.state === 'open')
    const gone = await openTab(test)
    gone.die()
    await until(() => test.released() === 1)
    const { timeline } = await tab.hub.inspect({ timeline: 200 })
    const told = timeline.map(({ what, is }) => `${what} ${is}`)
    expect(told[0]).toBe('hub began')
    const inOrder = ['state connecting', 'state waiting', 'state open', 'tab went']
    expect(told.filter((each) => inOrder.includes(each)).join(', ')).toBe(
      'state connecting, state waiting, state connecting, state open, tab went',
    )
    expect(told).toEqual(expect.arrayContaining(['error http', 'role leader', 'tab came']))
    expect(timeline.find(({ is }) => is === 'http')!.note).toContain('503')
    expect(timeline.map(({ at }) => at)).toEqual(timeline.map(({ at }) => at).sort((a, b) => a - b))
  })

  it('I1 gives nothing that was not asked for, and says which tab asks', async () => {
    const one = await openTab(test)
    const two = await openTab(test)
    const { body } = await accept()
    body.push('id: 1\ntype: note\ndata: private\n\n')
    await until(() => one.ids().length === 1)
    expect(await two.hub.inspect()).toMatchObject({ tab: two.tab, timeline: [], heads: [], data: null })
    const asked = await one.hub.inspect({ heads: { last: 5 } })
    expect(asked).toMatchObject({
      tab: one.tab,
      timeline: [],
      heads: [{ seq: 1, id: '1', size: 7 }],
      data: null,
    })
    expect(JSON.stringify(asked)).not.toContain('private')
    expect((await one.hub.inspect({ data: 1 })).data).toBe('private')
  })

  it('I2 drops the log: every tab is told `dropped` before anything newer, and the stream stays as it is', async () => {
    const tabs = [await openTab(test), await openTab(test)]
    const { request, body } = await accept()
    body.push('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
    await until(() => tabs.every((tab) => tab.ids().length === 2))
    tabs[1]!.hub.dropLog()
    await until(() => tabs.every((tab) => tab.batches.some(({ reset }) => reset === 'dropped')))
    body.push('id: 3\ndata: 3\n\n')
    await until(() => tabs.every((tab) => tab.ids().length === 3))
    for (const { batches } of tabs) {
      const from = batches.findIndex(({ reset }) => reset === 'dropped')
      expect(batches[from]!.events).toEqual([])
      expect(batches.slice(0, from).flatMap(({ events }) => events.map(({ id }) => id))).toEqual(['1', '2'])
      expect(batches.slice(from).flatMap(({ events }) => events.map(({ id }) => id))).toEqual(['3'])
    }
    expect([request.aborted(), test.platform.server.requests.length]).toEqual([false, 1])
    const { log, timeline, heads } = await tabs[0]!.hub.inspect({ timeline: 200, heads: { last: 9 } })
    expect(heads.map(({ id }) => id)).toEqual(['3'])
    expect(log).toMatchObject({ first: 3, head: 3, lastEventId: '3' })
    expect(timeline.filter(({ what }) => what === 'reset')).toEqual([
      expect.objectContaining({ is: 'dropped', times: 2 }),
    ])
  })

  it('A4 forgets its time line with a sign-out', async () => {
    const tab = await openTab(test)
    ;(await test.platform.server.next()).answer(503)
    await until(() => tab.errors.length === 1)
    let over = false
    void tab.hub.signOut().then(() => {
      over = true
    })
    while (!over) await test.platform.advance(100)
    const next = await openTab(test)
    const told = (await next.hub.inspect({ timeline: 200 })).timeline.map(({ what }) => what)
    expect(told).toContain('tab')
    expect(told).not.toContain('error')
  })
})
