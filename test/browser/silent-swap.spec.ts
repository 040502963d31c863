import { watchMachineLag } from '../machine-lag.ts'
import { expect, expectExactlyOnce, test } from './fixtures.ts'
import { makeSwappable, swapWorkers } from './silent-swap.ts'

test('T2 a worker that is silently another on the same ports is noticed within 2 s, and every tab goes on', async ({
  backend,
  context,
  openTabs,
}) => {
  await makeSwappable(context)
  const tabs = await openTabs(4)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const dead = [(await tabs[0]!.inspect()).incarnation]

  for (let swap = 1; swap <= 3; swap++) {
    const at = Date.now()
    const lag = watchMachineLag()
    await swapWorkers(tabs)
    await backend.publish(20)
    await expectExactlyOnce(tabs, backend.published())
    lag.close()
    for (const tab of tabs) {
      const { statuses } = await tab.record()
      const noticed = statuses.find(({ state, since }) => state === 'connecting' && since >= at)!.since
      // By the page's clock: on a busy machine a test's look at a page takes longer.
      expect(noticed - at, `swap ${swap}: noticed`).toBeLessThan(2_000 + lag.lost())
    }
    const seen = await Promise.all(tabs.map((tab) => tab.inspect()))
    expect(new Set(seen.map(({ incarnation }) => incarnation)).size).toBe(1)
    expect(dead).not.toContain(seen[0]!.incarnation)
    dead.push(seen[0]!.incarnation)
    expect(seen[0]!.sessions).toHaveLength(4)
  }

  // Nothing that was delivered before comes again later.
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  for (const tab of tabs) expect(await tab.record()).toMatchObject({ resets: [], errors: [] })
  expect(backend.peak()).toBe(1)
  expect(backend.connections().total).toBe(1)
})

test('D1 T2 events that come in the middle of a silent swap arrive once, in order', async ({
  backend,
  context,
  openTabs,
}) => {
  await makeSwappable(context)
  const tabs = await openTabs(2)
  for (let swap = 0; swap < 3; swap++) {
    const publishing = (async () => {
      for (let burst = 0; burst < 40; burst++) await backend.publish(5)
    })()
    await swapWorkers(tabs)
    await publishing
    await expectExactlyOnce(tabs, backend.published())
  }
  for (const tab of tabs) expect((await tab.record()).resets).toEqual([])
  expect(backend.peak()).toBe(1)
})
