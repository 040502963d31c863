import { watchMachineLag } from '../machine-lag.ts'
import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'

test('T2 a hub that dies is replaced within 2 s, and every tab goes on from its cursor', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(4)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const before = (await tabs[0]!.inspect()).incarnation

  for (let death = 1; death <= 3; death++) {
    const at = Date.now()
    const lag = watchMachineLag()
    await tabs[0]!.harm('close')
    await backend.publish(20)
    await expectExactlyOnce(tabs, backend.published())
    lag.close()
    expect(Date.now() - at, `death ${death}: back within`).toBeLessThan(2_000 + lag.lost())
  }

  const seen = await Promise.all(tabs.map((tab) => tab.inspect()))
  // They met again in one hub, without talking: the name of the new one comes from the dead one.
  expect(new Set(seen.map(({ incarnation }) => incarnation)).size).toBe(1)
  expect(seen[0]!.incarnation).not.toBe(before)
  expect(seen[0]!.sessions).toHaveLength(4)
  expect(backend.peak()).toBe(1)
  for (const tab of tabs) expect(await tab.record()).toMatchObject({ resets: [], errors: [] })
})

test('T2 a crash of the tab that created the worker leaves the others a hub', async ({
  backend,
  openTabs,
}) => {
  const [creator, ...others] = await openTabs(3)
  await backend.publish(5)
  await expectExactlyOnce(others, backend.published())
  await creator!.crash()
  await backend.publish(50)
  await expectExactlyOnce(others, backend.published())
  expect(backend.peak()).toBe(1)
})

test('T2 a hub that hangs is replaced within 10 s', async ({ backend, openTabs }) => {
  const tabs = await openTabs(3)
  await backend.publish(5)
  await expectExactlyOnce(tabs, backend.published())
  await tabs[0]!.harm('wedge')
  const at = Date.now()
  await backend.publish(5)
  await expectExactlyOnce(tabs, backend.published(), 15_000)
  expect(Date.now() - at).toBeLessThan(10_000)
  expect(backend.peak()).toBe(1)
  for (const tab of tabs) expect(await tab.record()).toMatchObject({ resets: [] })
})

test('T2 a tab opened after a death finds the others, and there is one stream', async ({ backend, open }) => {
  const first = await open()
  await first.until('open')
  await first.harm('close')
  await backend.publish(3)
  await expectExactlyOnce([first], backend.published())
  // Its worker has the usual name, the other tab's the dead one's: two hubs, of which one leads (L1).
  const second = await open()
  await second.until('open')
  await eventually(async () =>
    [(await first.status()).role, (await second.status()).role].sort().join(),
  ).toBe('follower,leader')
  const late = await backend.publish(10)
  await first.received(late)
  await expectExactlyOnce([first], backend.published())
  await second.received(late)
  expect(await second.numbers()).toEqual(backend.published().slice(3))
  expect(backend.connections()).toMatchObject({ total: 1, peak: { total: 1 } })
})

test('T2 a tab opened while several workers hang goes to where the others are', async ({ backend, open }) => {
  // Each takes up to 10 s to be found out.
  test.setTimeout(90_000)
  const first = await open()
  await first.until('open')
  const connects = async () =>
    (await first.record()).statuses.filter(({ state }) => state === 'connecting').length
  for (let hung = 0; hung < 2; hung++) {
    const before = await connects()
    await first.harm('wedge')
    await eventually(connects, { timeout: 20_000 }).toBeGreaterThan(before)
    await first.until('open')
  }
  const second = await open()
  await second.until('open', 20_000)
  expect((await second.inspect()).incarnation).toBe((await first.inspect()).incarnation)
  expect(backend.peak()).toBe(1)
})

test('T2 where no worker loads the stream is `waiting`, with what to check, and goes on once one does', async ({
  backend,
  context,
  open,
}) => {
  await context.addInitScript(() => {
    const { SharedWorker: Shared, Worker: Own } = window
    const broken = () => sessionStorage.getItem('whole') === null
    window.SharedWorker = class extends Shared {
      constructor(url: string | URL, options?: string | WorkerOptions) {
        super(broken() ? '/no-such-worker.js' : url, options)
      }
    }
    window.Worker = class extends Own {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(broken() ? '/no-such-worker.js' : url, options)
      }
    }
  })
  const tab = await open()
  await tab.until('waiting')
  const { errors } = await tab.record()
  expect(errors[0]).toMatchObject({ kind: 'worker', state: 'waiting', retryable: true })
  expect(errors[0]!.message).toContain('worker-src')
  // A deploy is over: nobody reloads, and nobody calls reconnect().
  await tab.page.evaluate(() => sessionStorage.setItem('whole', 'yes'))
  await tab.until('open')
  await backend.publish()
  await expectExactlyOnce([tab], backend.published())
})
