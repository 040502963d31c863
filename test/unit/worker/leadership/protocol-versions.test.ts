import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { plainKey } from '../../../../src/shared/names.ts'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { settle } from '../../harness/turns.ts'
import { createWorld, type World, type WorldTab } from '../../harness/world.ts'

const options = { heartbeat: { timeout: 10_000_000, misses: 2 }, maxEventSize: 1_024 }
const OLD = 7
const NEW = 8

describe('T4 two protocol versions side by side', () => {
  let world: World

  beforeEach(() => {
    world = createWorld(7, options)
  })
  afterEach(() => world.close())

  const open = async (protocol: number, from: 'now' | 'start' = 'start') => {
    const hub = world.spawnHub(protocol)
    const tab = world.openTab(hub, from, (gone) => gone)
    await world.advance(100, 60)
    return { hub, tab }
  }
  const publish = (count: number) => world.publish(count)
  const kinds = (tab: WorldTab) => tab.errors.map(({ kind }) => kind)

  it('S1 the newer comes: the older leader ends its stream, then lets go of the lock, and its tabs are told', async () => {
    const old = await open(OLD)
    await publish(3)
    const young = await open(NEW)
    await world.advance(400)
    expect(world.server.open()).toEqual([young.hub])
    expect(world.server.most()).toBe(1)
    await publish(2)
    expect(young.tab.numbers()).toEqual([1, 2, 3, 4, 5])
    expect(young.tab.resets()).toEqual([])
    expect(old.tab.numbers()).toEqual([1, 2, 3])
    expect(old.tab.errors).toMatchObject([
      {
        kind: 'superseded',
        state: 'superseded',
        retryable: false,
        message: expect.stringContaining(`${NEW}`),
      },
    ])
  })

  it('S1 an older leader whose page ends its worker at once: the newer waits for the browser to close that stream', async () => {
    const old = await open(OLD)
    await publish(2)
    const young = world.spawnHub(NEW)
    world.openTab(young, 'start', (gone) => gone)
    for (let turns = 200; old.tab.errors.length === 0 && turns > 0; turns--) await settle(1)
    expect(kinds(old.tab)).toEqual(['superseded'])
    old.hub.kill()
    await world.advance(CLOSE_GRACE - 10)
    expect(world.server.requests()).toBe(1)
    await world.advance(100)
    expect(world.server.open()).toEqual([young])
  })

  it('a follower of the older is superseded too, and none of its hubs ever asks for the lock again', async () => {
    const leader = await open(OLD)
    const follower = await open(OLD)
    await publish(2)
    const young = await open(NEW)
    await world.advance(400)
    expect([kinds(leader.tab), kinds(follower.tab)]).toEqual([['superseded'], ['superseded']])
    young.hub.kill()
    await world.advance(60_000)
    expect(world.server.open()).toEqual([])
  })

  it('the older comes later: it is told at once, and the newer keeps its stream', async () => {
    const young = await open(NEW)
    await publish(2)
    const old = await open(OLD)
    expect(kinds(old.tab)).toEqual(['superseded'])
    await world.advance(60_000)
    expect(world.server.open()).toEqual([young.hub])
    expect(world.server.requests()).toBe(1)
    await publish(1)
    expect(young.tab.numbers()).toEqual([1, 2, 3])
  })

  it('a follower of the newer tells it as well, where their leader does not answer', async () => {
    const leader = await open(NEW)
    await open(NEW)
    leader.hub.freeze()
    const old = await open(OLD)
    expect(kinds(old.tab)).toEqual(['superseded'])
  })

  it('a tab that comes to a superseded hub later is refused', async () => {
    const old = await open(OLD)
    await open(NEW)
    const late = world.openTab(old.hub, 'now', (gone) => gone)
    await world.advance(100)
    expect(kinds(late)).toEqual(['superseded'])
  })

  it('an older leader that is wedged is robbed of the lock, and gives way once it wakes', async () => {
    const old = await open(OLD)
    await publish(2)
    old.hub.freeze()
    // In its buffer, when it wakes.
    await publish(2)
    const young = await open(NEW)
    await world.advance(4_000)
    expect(world.server.open()).toContain(young.hub)
    await publish(1)
    await old.hub.thaw()
    await world.advance(3_000)
    expect(world.server.open()).toEqual([young.hub])
    expect(kinds(old.tab)).toEqual(['superseded'])
    expect(young.tab.numbers()).toEqual([1, 2, 3, 4, 5])
    expect(world.server.most()).toBe(1)
  })

  it('a newer leader that was wedged gets the stream back from the older one that robbed it', async () => {
    const young = await open(NEW)
    await publish(2)
    young.hub.freeze()
    const old = await open(OLD)
    await world.advance(4_000)
    expect(world.server.open()).toContain(old.hub)
    await publish(2)
    await young.hub.thaw()
    await world.advance(3_000)
    expect(world.server.open()).toEqual([young.hub])
    expect(kinds(old.tab)).toEqual(['superseded'])
    await publish(1)
    expect(young.tab.numbers()).toEqual([1, 2, 3, 4, 5])
    expect(world.server.most()).toBe(1)
  })

  it('a newer database version takes IndexedDB from the older hub: what its tabs are left with is `superseded`', async () => {
    const old = await open(OLD)
    await publish(2)
    const upgrade = indexedDB.open(plainKey('https://app.test/stream', 'ann'), 99)
    await new Promise((done) => {
      upgrade.onsuccess = done
    })
    upgrade.result.close()
    await settle()
    expect(kinds(old.tab)).toEqual(['storage'])
    const young = await open(NEW)
    await world.advance(60_000)
    expect(kinds(old.tab)).toEqual(['storage', 'superseded'])
    expect(world.server.open()).toEqual([young.hub])
    expect(world.server.most()).toBe(1)
  })
})
