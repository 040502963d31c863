import { watchMachineLag } from '../machine-lag.ts'
import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'
import { leaderOf, type Tab } from './tab.ts'

const roles = (tabs: Tab[]) => Promise.all(tabs.map(async (tab) => (await tab.status()).role))
const led = (tabs: Tab[]) =>
  eventually(async () => (await roles(tabs)).filter((role) => role === 'leader').length, {
    message: 'one leader',
  }).toBe(1)

for (const end of ['close', 'crash'] as const) {
  test(`S1 the leader's tab may ${end}: another takes over within 1 s, with no gap and no double`, async ({
    backend,
    openTabs,
  }) => {
    const tabs = await openTabs(4, { host: 'worker' })
    await led(tabs)
    await backend.publish(20)
    await expectExactlyOnce(tabs, backend.published())
    for (let left = tabs; left.length > 1; ) {
      const leader = (await leaderOf(left))!
      left = left.filter((tab) => tab !== leader)
      await leader[end]()
      const at = Date.now()
      const lag = watchMachineLag()
      await backend.publish(20)
      await expectExactlyOnce(left, backend.published())
      lag.close()
      await led(left)
      // By the hub's own clock: on a busy machine a test's look at a page takes longer than the failover.
      const { since } = await (await leaderOf(left))!.status()
      expect(since - at, 'failover').toBeLessThan(1_000 + lag.lost())
    }
    expect(backend.peak()).toBe(1)
  })
}

test('T4 two deploys side by side: one stream, both served', async ({ backend, context, open }) => {
  const old = await open()
  await old.until('open')
  await context.addInitScript(() => {
    const Shared = window.SharedWorker
    window.SharedWorker = class extends Shared {
      constructor(url: string | URL, options?: string | WorkerOptions) {
        super(`${url}?deploy=2`, options)
      }
    }
  })
  const fresh = await open()
  const alone = await open({ host: 'worker' })
  const tabs = [old, fresh, alone]
  for (const tab of tabs) await tab.until('open')
  await led(tabs)
  await backend.publish(100)
  await expectExactlyOnce(tabs, backend.published())
  await old.close()
  await backend.publish(100)
  await expectExactlyOnce([fresh, alone], backend.published())
  expect(backend.connections()).toMatchObject({ total: 1, replaced: 0, peak: { total: 1 } })
})
