import assert from 'node:assert/strict'
import type { StartOptions } from '../browser/app/record.ts'
import type { Backend } from '../browser/backend.ts'
import { range } from '../browser/tab.ts'
import { until } from '../until.ts'
import { expectExactlyOnce, type Tab } from './tab.ts'

export interface World {
  backend: Backend
  open(options?: StartOptions): Promise<Tab>
  openTabs(count: number): Promise<Tab[]>
}

const expectNoResets = async (tabs: Tab[]) => {
  for (const tab of tabs) assert.deepEqual((await tab.record()).resets, [])
}
const expectOneStream = ({ backend }: World) => {
  assert.equal(backend.peak(), 1)
  assert.equal(backend.streams(), 1)
}

/** The promises without which nothing works, by title: each in a browser and with a server of its own. */
export const core: Record<string, (world: World) => Promise<void>> = {
  async 'S1 D1 four tabs share one stream, and each gets 300 events exactly once and in order'(world) {
    const tabs = await world.openTabs(4)
    for (let sent = 0; sent < 50; sent++) await world.backend.publish()
    for (let sent = 0; sent < 250; sent += 25) await world.backend.publish(25)
    assert.equal(world.backend.published().length, 300)
    await expectExactlyOnce(tabs, world.backend.published())
    expectOneStream(world)
    assert.equal((await tabs[0]!.status()).durable, true)
    assert.equal((await tabs[0]!.status()).host, 'shared-worker')
  },

  async 'S2 D1 a connection cut inside an event leaves no gap and no double'(world) {
    const tabs = await world.openTabs(2)
    for (const bytes of [7, 60, 150]) {
      await world.backend.publish()
      await expectExactlyOnce(tabs, world.backend.published())
      const cut = world.backend.proxy.cutAfter(bytes)
      await world.backend.publish(3)
      await cut
      await expectExactlyOnce(tabs, world.backend.published())
    }
    expectOneStream(world)
    await expectNoResets(tabs)
  },

  async 'S4 a server that restarts loses nothing'(world) {
    const tabs = await world.openTabs(2)
    await world.backend.publish(5)
    await expectExactlyOnce(tabs, world.backend.published())
    await world.backend.restart()
    await world.backend.publish(20)
    await expectExactlyOnce(tabs, world.backend.published())
    expectOneStream(world)
    await expectNoResets(tabs)
  },

  async 'T1 a tab that closes leaves no session, and the tab that created the worker takes nothing with it'(
    world,
  ) {
    const [creator, other, witness] = (await world.openTabs(3)) as [Tab, Tab, Tab]
    await world.backend.publish(10)
    await expectExactlyOnce([creator, other, witness], world.backend.published())
    await other.close()
    const sessions = async () => (await witness.inspect()).sessions.length
    await until('two sessions', async () => (await sessions()) === 2)
    await creator.close()
    await until('one session', async () => (await sessions()) === 1)
    await world.backend.publish(50)
    await expectExactlyOnce([witness], world.backend.published())
    expectOneStream(world)
    await expectNoResets([witness])
  },

  async 'T2 a hub that dies is replaced, and every tab goes on from its cursor'(world) {
    const tabs = await world.openTabs(3)
    await world.backend.publish(20)
    await expectExactlyOnce(tabs, world.backend.published())
    for (let death = 1; death <= 2; death++) {
      const { incarnation } = await tabs[0]!.inspect()
      await tabs[0]!.harm('close')
      await world.backend.publish(20)
      await expectExactlyOnce(tabs, world.backend.published())
      assert.notEqual((await tabs[0]!.inspect()).incarnation, incarnation)
    }
    expectOneStream(world)
    await expectNoResets(tabs)
  },

  async 'D5 a page that reloads is a new tab, and the others notice nothing'(world) {
    const [reloading, witness] = (await world.openTabs(2)) as [Tab, Tab]
    await world.backend.publish(10)
    await expectExactlyOnce([reloading, witness], world.backend.published())
    await reloading.reloadAndConnect()
    await reloading.untilOpen()
    await world.backend.publish(10)
    await expectExactlyOnce([witness], world.backend.published())
    await expectExactlyOnce([reloading], range(11, 20))
    expectOneStream(world)
    assert.equal(world.backend.connections().opened, 1)
  },

  async 'D6 a reload of the only tab resumes after the last committed event'(world) {
    const [tab] = (await world.openTabs(1)) as [Tab]
    await world.backend.publish(10)
    await expectExactlyOnce([tab], world.backend.published())
    await until('all is committed', async () => {
      const { log } = await tab.inspect()
      return log.committed === log.head
    })
    await tab.reload()
    await world.backend.publish(10)
    await tab.evaluate(() => window.start({ connect: { from: 'start' } }))
    await expectExactlyOnce([tab], world.backend.published())
    expectOneStream(world)
  },

  async 'T3 D4 a page comes back from the back/forward cache with its cursor, and catches up'(world) {
    const [away, witness] = (await world.openTabs(2)) as [Tab, Tab]
    await world.backend.publish(10)
    await expectExactlyOnce([away, witness], world.backend.published())
    await away.evaluate(() => {
      addEventListener('pageshow', ({ persisted }) => window.record.reported.push(`persisted ${persisted}`))
    })
    await away.goto(`${world.backend.url}/nothing-here`)
    await until('it let go', async () => (await witness.inspect()).sessions.length === 1)
    await world.backend.publish(30)
    await expectExactlyOnce([witness], world.backend.published())
    await away.back()
    await until('it is shown', () => away.evaluate(() => (window.record?.reported.length ?? 0) > 0))
    // The same document, with what it had heard before: it was cached, not loaded again.
    assert.deepEqual((await away.record()).reported, ['persisted true'])
    await world.backend.publish(5)
    await expectExactlyOnce([away, witness], world.backend.published())
    await expectNoResets([away, witness])
    expectOneStream(world)
    assert.equal(world.backend.connections().opened, 1)
  },
}
