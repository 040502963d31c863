import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'

test('S2 D1 a connection cut inside an event leaves no gap and no double', async ({ backend, openTabs }) => {
  const tabs = await openTabs(2)
  // Into the id, into the data, and into the second event of three.
  for (const bytes of [7, 60, 150]) {
    await backend.publish()
    await expectExactlyOnce(tabs, backend.published())
    const cut = backend.proxy.cutAfter(bytes)
    await backend.publish(3)
    await cut
    await expectExactlyOnce(tabs, backend.published())
  }
  expect(backend.peak()).toBe(1)
  for (const tab of tabs) expect((await tab.record()).resets).toEqual([])
})

test('S2 D1 a server that breaks off inside an event leaves no gap and no double', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(2)
  await backend.publish(2)
  expect(await backend.drop({ midEvent: true })).toEqual({ dropped: 1 })
  await backend.publish(5)
  await expectExactlyOnce(tabs, backend.published())
  expect(backend.connections()).toMatchObject({ total: 1, opened: 2 })
  for (const tab of tabs) expect((await tab.record()).resets).toEqual([])
})

test('S4 a server that restarts loses nothing, and is back within seconds', async ({ backend, openTabs }) => {
  const tabs = await openTabs(3)
  await backend.publish(5)
  await expectExactlyOnce(tabs, backend.published())
  await backend.restart()
  const reachable = Date.now()
  await backend.publish(5)
  await expectExactlyOnce(tabs, backend.published())
  // The mean is promised, and measured by the fault suite; this bound is what one attempt may take.
  expect(Date.now() - reachable).toBeLessThan(5_000)
  expect(backend.peak()).toBe(1)
  for (const tab of tabs) expect((await tab.record()).resets).toEqual([])
})

test('S4 a server that is away for a while is tried again, and what it published meanwhile arrives', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(2)
  await backend.publish(2)
  await expectExactlyOnce(tabs, backend.published())
  backend.proxy.refuse()
  backend.proxy.cut()
  for (const tab of tabs) await tab.until('waiting')
  await backend.publish(20)
  await eventually(async () => (await tabs[0]!.record()).errors.length).toBeGreaterThan(1)
  backend.proxy.restore()
  await expectExactlyOnce(tabs, backend.published())
  const { errors, resets } = await tabs[0]!.record()
  expect(errors[0]).toMatchObject({ kind: 'network', retryable: true, state: 'waiting', attempt: 1 })
  expect(resets).toEqual([])
  expect(backend.peak()).toBe(1)
})

test('S3 a line that goes dead without a word is noticed, and what was sent meanwhile arrives', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(2, { connect: { heartbeat: { timeout: 1_000, misses: 2 } } })
  backend.proxy.blackHole()
  await backend.publish(5)
  await eventually(async () => (await tabs[0]!.record()).errors.map(({ kind }) => kind)).toContain('stale')
  // The half-open connections die for good; what they held back must not count.
  backend.proxy.cut()
  backend.proxy.restore()
  await expectExactlyOnce(tabs, backend.published())
})

test('S2 D1 a line that passes single bytes delivers the same events', async ({ backend, openTabs }) => {
  const tabs = await openTabs(2)
  backend.proxy.throttle(1, 0)
  await backend.publish(10)
  await expectExactlyOnce(tabs, backend.published())
})
