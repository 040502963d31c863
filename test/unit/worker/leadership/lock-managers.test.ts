import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHub, openTab, type TestHub } from '../../harness/hub.ts'
import { createFakeLocks } from '../../harness/locks.ts'
import { clearIndexedDb } from '../../harness/log.ts'
import { settle, until } from '../../harness/turns.ts'

/** Clearing an origin's site data gives what opens later a lock manager of its own (seen in Chromium). */
describe('hubs and tabs that do not see each other’s locks', () => {
  let old: TestHub
  let fresh: TestHub
  /** What the newer hub draws; the older one draws 0.5. */
  let luck: number

  beforeEach(() => {
    luck = 0.9
    old = openHub()
    const platform = { ...old.platform, locks: createFakeLocks(), random: () => luck }
    fresh = openHub(platform, { listenFor: 100 })
  })
  afterEach(async () => {
    await old.close()
    await fresh.close()
  })

  const wind = async (seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) await old.platform.advance(100)
  }
  const strange = () => openTab({ ...fresh, platform: old.platform })

  it('T1 a tab whose lock the hub does not see is no dead tab, and the tab is told', async () => {
    const seen = await openTab(fresh)
    const unseen = await strange()
    expect([seen.welcome, unseen.welcome]).toMatchObject([{ locks: true }, { locks: false }])
    await settle()
    expect((await unseen.hub.ping()).attached).toBe(true)
    expect((await unseen.hub.inspect()).sessions).toHaveLength(2)
  })

  it('T1 such a tab lives as long as it pings, and a little longer: hidden pages ping once a minute', async () => {
    const stays = await openTab(fresh)
    const unseen = await strange()
    await unseen.hub.ping()
    for (let minute = 0; minute < 5; minute++) {
      await old.platform.advance(60_000)
      await unseen.hub.ping()
    }
    expect((await stays.hub.inspect()).sessions).toHaveLength(2)
    await old.platform.advance(151_000)
    expect((await stays.hub.inspect()).sessions.map(({ tab }) => tab)).toEqual([stays.tab])
  })

  it('T1 a tab that was gone before it was answered never pings, and is no such tab for long', async () => {
    const stays = await openTab(fresh)
    await strange()
    expect((await stays.hub.inspect()).sessions).toHaveLength(2)
    await old.platform.advance(3_000)
    expect((await stays.hub.inspect()).sessions.map(({ tab }) => tab)).toEqual([stays.tab])
  })

  it('S1 L1 of two leaders with a lock each the newer one stays, and the stream does not go to and fro', async () => {
    await openTab(old)
    const first = await old.platform.server.next()
    first.stream()
    await settle(50)
    const newer = await openTab(fresh)
    expect(first.aborted()).toBe(false)
    const next = old.platform.server.next()
    // It has heard of the older one, and waits until that stream is closed.
    await wind(0.3)
    expect(first.aborted()).toBe(true)
    const second = await next
    second.stream()
    await until(() => newer.status()?.state === 'open')
    // Less than the 40 s after which a silent stream is given up (S3).
    for (let beat = 0; beat < 60; beat++) await old.platform.advance(500, 20)
    expect(first.aborted()).toBe(true)
    expect(second.aborted()).toBe(false)
    expect(old.platform.server.requests).toHaveLength(2)
  })

  it('S1 L3 two that take over at once, each with a lock of its own: one gives way before it has a stream', async () => {
    // Both tabs come from a hub that hung, and know as much.
    const hello = {
      cursor: { epoch: 'e', seq: 7 },
      lineage: {
        term: 4,
        leaders: [{ leader: 'hung', startsAfter: 0, lastEventId: '' }],
        committedUpTo: 7,
        lastEventId: '7',
        streamClient: 'client',
      },
    }
    const one = await openTab(old, { hello })
    const two = await openTab(fresh, { hello })
    await wind(3)
    const [request, ...others] = old.platform.server.requests
    expect(others).toEqual([])
    const body = request!.stream()
    body.push('id: 8\ndata: next\n\n')
    await wind(2)
    expect([one.status()?.role, two.status()?.role].sort()).toEqual(['follower', 'leader'])
    expect([one.ids(), two.ids()]).toEqual([['8'], ['8']])
  })

  for (const [draw, whose] of [
    [0.9, 'newer'],
    [0.1, 'older'],
  ] as const)
    it(`L5 D1 an answer that comes too late: the ${whose} leader’s stream stays, and each tab hears each event once`, async () => {
      luck = draw
      const before = await openTab(old)
      const body = (await old.platform.server.next()).stream()
      body.push('id: 1\ndata: one\n\n')
      await until(() => before.ids().length === 1)
      clearIndexedDb()
      // Its thread is busy: it hears and says nothing for a while, and its stream stays open.
      old.freeze()
      const after = await openTab(fresh)
      await wind(1)
      const other = (await old.platform.server.next()).stream()
      other.push('id: 2\ndata: two\n\n')
      await until(() => after.ids().length === 1)
      await old.thaw()
      body.push('id: 2\ndata: two\n\n')
      await wind(3)
      const [one, two] = old.platform.server.requests
      expect([one!.aborted(), two!.aborted()].sort()).toEqual([false, true])
      expect(old.platform.server.requests).toHaveLength(2)
      expect(one!.aborted()).toBe(whose === 'newer')
      const stays = one!.aborted() ? other : body
      stays.push('id: 3\ndata: three\n\n')
      await wind(1)
      for (const tab of [before, after]) {
        // Behind a reset an application fetches its state anew.
        const since = tab.batches.findLastIndex(({ reset }) => reset !== null)
        const heard = tab.batches
          .slice(Math.max(0, since))
          .flatMap(({ events }) => events.map(({ id }) => id))
        expect(heard.filter((id, at) => heard.indexOf(id) !== at)).toEqual([])
        expect(heard.at(-1)).toBe('3')
        if (since < 0) expect(heard.slice(-2)).toEqual(['2', '3'])
      }
    })

  it('S1 D4 a new hub that finds no log, and a lock of its own, leaves the stream to the one that has both', async () => {
    const before = await openTab(old)
    const body = (await old.platform.server.next()).stream()
    body.push('id: 1\ndata: one\n\n')
    await until(() => before.ids().length === 1)
    clearIndexedDb()
    const after = await openTab(fresh)
    await wind(2)
    body.push('id: 2\ndata: two\n\n')
    await wind(2)
    expect(old.platform.server.requests).toHaveLength(1)
    expect(before.ids()).toEqual(['1', '2'])
    expect(after.ids().filter((id) => id === '2')).toHaveLength(1)
    const resets = [...before.batches, ...after.batches].map(({ reset }) => reset)
    expect(resets.filter((reset) => reset !== null)).toEqual([])
  })
})
