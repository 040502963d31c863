import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { settle } from '../harness/turns.ts'
import { createWorld, type World, type WorldHub, type WorldTab } from '../harness/world.ts'

const options = { heartbeat: { timeout: 10_000_000, misses: 2 }, maxEventSize: 1_024 }

describe('hubs of one key', () => {
  let world: World

  beforeEach(() => {
    world = createWorld(7, options)
  })
  afterEach(() => world.close())

  /** A hub and its one tab, which starts another where the hub is gone, as a page with a Worker of its own does. */
  const open = async (from: 'now' | 'start' = 'now') => {
    const hub = world.spawnHub()
    const tab = world.openTab(hub, from, () => world.spawnHub())
    await world.advance(100, 60)
    return { hub, tab }
  }
  const publish = (count: number) => world.publish(count)
  const streams = () => world.server.open()
  const numbers = (to: number) => Array.from({ length: to }, (_, at) => at + 1)
  const terms = () =>
    new Set(world.base.channels.heard.flatMap((said) => (said.type === 'leading' ? [said.term] : [])))
  const both = (...tabs: WorldTab[]) => tabs.map((tab) => tab.numbers())
  const until = async (condition: () => boolean, most: number): Promise<number> => {
    const start = world.base.now()
    while (!condition() && world.base.now() - start < most) await world.advance(50, 20)
    return world.base.now() - start
  }
  const streamOf = (hub: WorldHub) => () => streams().includes(hub)

  it('L1, L2 the lock holder leads and streams; the other follows, and delivers the same events', async () => {
    const one = await open()
    const two = await open()
    await publish(5)
    expect(streams()).toEqual([one.hub])
    expect(both(one.tab, two.tab)).toEqual([numbers(5), numbers(5)])
    expect(world.server.requests()).toBe(1)
  })

  it('S1 the last tab of the leader leaves: its stream ends before the follower’s begins, and nothing is lost', async () => {
    const one = await open()
    const two = await open()
    await publish(3)
    one.tab.close()
    await world.advance(1_900)
    expect(streams()).toEqual([one.hub])
    await publish(1)
    expect(await until(streamOf(two.hub), 2_000)).toBeLessThan(700)
    world.server.publish(true)
    await world.advance(100, 60)
    expect(two.tab.numbers()).toEqual(numbers(5))
    expect(world.server.most()).toBe(1)
  })

  it('D1 a tab that listens to another type between two uncommitted events of it hears them in order, though its hub dies', async () => {
    const first = world.spawnHub()
    const tab = world.openTab(first, 'now', () => world.spawnHub(), { types: ['y'] })
    await world.advance(200, 60)
    const commits = { turns: 0 }
    world.setLatency(() => commits.turns)
    // No commit that begins now comes to its end.
    commits.turns = 100_000
    world.server.publish(true, 'y')
    world.server.publish(true, 'x')
    await world.advance(100, 60)
    expect(tab.numbers()).toEqual([1])
    tab.listen('x')
    await world.advance(20, 60)
    world.server.publish(true, 'x')
    await world.advance(100, 60)
    commits.turns = 0
    first.kill()
    world.server.publish(true, 'y')
    await until(() => tab.numbers().includes(4), 20_000)
    // The second one was before the tab listened to its type: the next hub may deliver it, but in its place only.
    const heard = tab.numbers()
    expect(heard).toEqual([...heard].sort((a, b) => a - b))
    expect(heard).toEqual(expect.arrayContaining([1, 3, 4]))
    expect(tab.resets()).toEqual([])
  })

  it('I2 a follower’s tab drops the log: its leader’s starts over, and every tab hears a reset before anything newer', async () => {
    const one = await open()
    const two = await open()
    await publish(3)
    two.tab.stream.dropLog()
    await world.advance(100, 60)
    await publish(2)
    for (const { tab } of [one, two]) {
      expect(tab.heard.map((each) => ('number' in each ? each.number : each.reset))).toEqual([
        ...[1, 2, 3],
        'dropped',
        ...[4, 5],
      ])
      const { heads } = await tab.stream.inspect({ heads: { last: 10 } })
      expect(heads).toHaveLength(2)
    }
    expect(world.server.requests()).toBe(1)
  })

  it('I1 a follower’s time line tells of the leader’s stream, and of the turn when it takes over', async () => {
    const one = await open()
    const two = await open()
    const told = async () =>
      (await two.tab.stream.inspect({ timeline: 200 })).timeline.map(({ what, is }) => `${what} ${is}`)
    expect(await told()).toEqual(expect.arrayContaining(['hub began', 'tab came', 'state open']))
    expect(await told()).not.toContain('role leader')
    one.hub.kill()
    await until(streamOf(two.hub), 5_000)
    expect(await told()).toContain('role leader')
  })

  it('L1 the leader dies with its lock and its channel: the follower is back within 0.5 s', async () => {
    const one = await open()
    const two = await open()
    await publish(3)
    one.hub.kill()
    world.server.publish(true)
    expect(await until(streamOf(two.hub), 2_000)).toBeLessThanOrEqual(500)
    await publish(2)
    expect(two.tab.numbers()).toEqual(numbers(6))
    expect(two.tab.resets()).toEqual([])
  })

  it('L4 T2 a leader that was heard and is wedged is robbed after 5 s of silence, within 10 s', async () => {
    const one = await open()
    const two = await open()
    await publish(2)
    one.hub.freeze()
    world.server.publish(true)
    await world.advance(4_800)
    expect(streams()).toEqual([one.hub])
    await until(streamOf(two.hub), 3_000)
    expect(streams()).toContain(two.hub)
    await publish(1)
    expect(two.tab.numbers()).toEqual(numbers(4))
  })

  it('L4 a leader that never answered a hub is robbed after 2 s', async () => {
    const one = await open()
    await publish(2)
    one.hub.freeze()
    const two = await open()
    await world.advance(1_800)
    expect(streams()).toEqual([one.hub])
    await until(streamOf(two.hub), 2_000)
    expect(streams()).toContain(two.hub)
  })

  it('L3 a leader that was robbed while it was wedged neither delivers nor writes what it had: every tab hears each event once', async () => {
    const one = await open()
    const two = await open('start')
    await publish(2)
    one.hub.freeze()
    // In its buffer, when it is frozen.
    await publish(3)
    await until(streamOf(two.hub), 10_000)
    await publish(2)
    await one.hub.thaw()
    await world.advance(2_000)
    await publish(1)
    expect(streams()).toEqual([two.hub])
    expect(two.tab.numbers()).toEqual(numbers(8))
    expect([one.tab.numbers(), one.tab.resets()]).toEqual([numbers(8), []])
    const late = await open('start')
    await settle(80)
    expect(late.tab.numbers()).toEqual(numbers(8))
    expect(world.server.most()).toBe(1)
  })

  it('L4 steals are bounded: four followers of a wedged leader, and the next leader wedged as well', async () => {
    const hubs = [await open()]
    for (let more = 4; more > 0; more--) hubs.push(await open())
    await publish(1)
    hubs[0]!.hub.freeze()
    await world.advance(20_000)
    expect(terms().size).toBeLessThanOrEqual(5)
    const leaders = streams().filter((each) => each.isAwake())
    expect(leaders).toHaveLength(1)
    const before = terms().size
    await world.advance(120_000)
    expect(terms().size).toBe(before)
    await publish(1)
    for (const { hub, tab } of hubs) if (hub.isAwake()) expect(tab.numbers()).toEqual([1, 2])
  })

  it('L4 two leaders that wedge in turn do not rob each other for ever', async () => {
    const one = await open()
    const two = await open()
    await publish(1)
    for (let times = 6; times > 0; times--) {
      const { hub } = streams().includes(one.hub) ? one : two
      hub.freeze()
      await world.advance(8_000)
      await hub.thaw()
      await world.advance(500)
    }
    await world.advance(60_000)
    await publish(1)
    // Each of the two robs the other once in 30 s, at most.
    expect(terms().size).toBeLessThanOrEqual(5)
    expect(both(one.tab, two.tab)).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(world.server.most()).toBe(1)
  })

  it('D1 a hub that dies before its very first commit has lost nothing: no reset', async () => {
    world.setLatency(() => 100)
    const first = world.spawnHub()
    let heir = first
    const tab = world.openTab(first, 'now', () => heir)
    await world.advance(0, 20)
    while (!tab.isAttached()) await settle(1)
    heir = world.spawnHub()
    first.kill()
    world.setLatency(() => 0)
    await world.advance(5_000)
    await publish(3)
    expect([tab.numbers(), tab.resets()]).toEqual([numbers(3), []])
    expect(world.server.requests()).toBe(1)
  })

  it('D1 D2 a hub dies, and IndexedDB cannot be read: the next hub goes on from what its tabs remember', async () => {
    world.breakStorage(() => true)
    const first = world.spawnHub()
    let heir = first
    const tabs = [1, 2].map(() => world.openTab(first, 'now', () => heir))
    await world.advance(2_000)
    for (const already of [0, 5]) {
      await publish(already)
      await world.advance(100)
      const before = heir
      heir = world.spawnHub()
      before.kill()
      // What is published meanwhile is not lost either: the stream resumes after the tabs' last event ID.
      await publish(2)
      await world.advance(5_000)
      await publish(3)
      await world.advance(100)
    }
    expect(both(...tabs)).toEqual([numbers(15), numbers(15)])
    expect(tabs.flatMap((tab) => tab.resets())).toEqual([])
    expect(world.server.most()).toBe(1)
  })

  it('L2 a follower that wakes gets what it missed', async () => {
    await open()
    const two = await open()
    await publish(2)
    two.hub.freeze()
    await publish(700)
    await world.advance(3_000)
    await two.hub.thaw()
    await world.advance(3_000)
    expect(two.tab.numbers()).toEqual(numbers(702))
    expect(two.tab.resets()).toEqual([])
  })

  it('L2 a late follower fills its hole from the leader where IndexedDB holds nothing', async () => {
    world.breakStorage(() => true)
    await open()
    await publish(30)
    const late = await open('start')
    await world.advance(3_000)
    expect(late.tab.numbers()).toEqual(numbers(30))
    expect(late.tab.resets()).toEqual([])
  })

  it('D2 without IndexedDB a follower leads on with what was relayed: nothing lost, nothing twice', async () => {
    world.breakStorage(() => true)
    const one = await open()
    const two = await open()
    await world.advance(2_000)
    await publish(5)
    one.hub.kill()
    world.server.publish(true)
    await world.advance(1_000, 60)
    await publish(1)
    expect(two.tab.numbers()).toEqual(numbers(7))
    expect(two.tab.resets()).toEqual([])
    const late = await open('start')
    await world.advance(3_000)
    expect(late.tab.numbers()).toEqual(numbers(7))
  })
})
