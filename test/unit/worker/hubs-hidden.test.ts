import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorld, type World, type WorldTab } from '../harness/world.ts'

const RELEASE = 10_000

describe('H2 hubs of one key, of which no tab is in view', () => {
  let world: World

  beforeEach(() => {
    world = createWorld(7, {
      heartbeat: { timeout: 10_000_000, misses: 2 },
      hidden: { release: RELEASE },
    })
  })
  afterEach(() => world.close())

  /** A hub and its one tab, as a page with a Worker of its own. */
  const open = async (visible: boolean) => {
    const hub = world.spawnHub()
    const tab = world.openTab(hub, 'start', () => world.spawnHub(), { visible })
    await world.advance(300, 60)
    return { hub, tab }
  }
  const streams = () => world.server.open().length
  const numbers = (to: number) => Array.from({ length: to }, (_, at) => at + 1)
  const show = async (tab: WorldTab) => {
    tab.setVisible(true)
    await world.advance(150, 60)
  }

  it('have no stream after that time, and one at once when a tab comes into view; nothing is lost', async () => {
    const { tab } = await open(true)
    await world.publish(3)
    tab.setVisible(false)
    await world.advance(RELEASE - 1_000)
    expect(streams()).toBe(1)
    await world.advance(2_000)
    expect(streams()).toBe(0)
    expect(tab.stream.status).toMatchObject({ state: 'idle', error: null })
    await world.publish(3)
    await world.advance(60_000)
    await show(tab)
    expect(streams()).toBe(1)
    expect(tab.stream.status).toMatchObject({ state: 'open', resume: 'continued' })
    await world.advance(100, 60)
    expect([tab.numbers(), tab.resets()]).toEqual([numbers(6), []])
  })

  it('keep the stream of the leader while a tab of a follower is in view', async () => {
    const one = await open(true)
    const two = await open(true)
    one.tab.setVisible(false)
    await world.advance(6 * RELEASE)
    expect([streams(), one.tab.stream.status.role, two.tab.stream.status.role]).toEqual([
      1,
      'leader',
      'follower',
    ])
    two.tab.setVisible(false)
    await world.advance(RELEASE + 2_000)
    expect(streams()).toBe(0)
    expect([one.tab.stream.status.state, two.tab.stream.status.state]).toEqual(['idle', 'idle'])
    await world.publish(2)
    await show(two.tab)
    await world.advance(1_000)
    expect(streams()).toBe(1)
    expect([two.tab.numbers(), one.tab.numbers()]).toEqual([numbers(2), numbers(2)])
  })

  it('take the stream up for a tab that attaches in view, at whichever hub, and not for one that attaches hidden', async () => {
    const { tab } = await open(false)
    await world.advance(RELEASE + 2_000)
    expect(streams()).toBe(0)
    await open(false)
    await world.advance(RELEASE + 2_000)
    expect(streams()).toBe(0)
    const third = await open(true)
    await world.publish(1)
    await world.advance(1_000)
    expect([streams(), tab.numbers(), third.tab.numbers()]).toEqual([1, [1], [1]])
  })

  it('have a stream for as long again when it is asked for, or when another hub comes to lead', async () => {
    const one = await open(false)
    const two = await open(false)
    await world.advance(RELEASE + 2_000)
    expect(streams()).toBe(0)
    two.tab.stream.reconnect()
    await world.advance(500, 60)
    expect(streams()).toBe(1)
    await world.advance(RELEASE + 2_000)
    expect(streams()).toBe(0)
    await world.publish(2)
    one.tab.close()
    one.hub.kill()
    await world.advance(3_000)
    expect([streams(), two.tab.numbers()]).toEqual([1, numbers(2)])
    await world.advance(RELEASE + 2_000)
    expect(streams()).toBe(0)
  })

  it('count the time from the last tab in view that is gone', async () => {
    const { hub } = await open(false)
    const shown = world.openTab(hub, 'start', () => world.spawnHub())
    await world.advance(3 * RELEASE)
    shown.close()
    await world.advance(RELEASE - 1_000)
    expect(streams()).toBe(1)
    await world.advance(2_000)
    expect(streams()).toBe(0)
  })
})
