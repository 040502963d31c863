import type { BrowserContext } from 'playwright/test'
import { eventually, expect, expectExactlyOnce, test } from '../fixtures.ts'
import {
  expectNextHubGoesOn,
  expectNextHubResumes,
  expectStorageErrors,
  untilDurable,
  untilDurableAgain,
} from '../storage-faults.ts'
import { startRawChromium } from './raw-chromium.ts'

/**
 * `all` is what a user's "Delete site data" and the header `Clear-Site-Data: "storage"` do, the one that an
 * application may send on a log-out: the origin's whole bucket goes, and what opens from then on has another
 * lock manager than what is open already. DevTools' own button names kinds of data, and leaves the locks alone.
 */
const CLEARINGS = { data: 'cookies,indexeddb,local_storage', everything: 'all' }

/** DevTools' commands for an origin's storage, sent by a page that stays. */
const storageOf = async (context: BrowserContext, url: string) => {
  const page = await context.newPage()
  await page.goto(url)
  const devtools = await context.newCDPSession(page)
  return {
    /** Fills the disk; `null` empties it again. @param bytes for all that the origin keeps */
    setQuota: (bytes: number | null) =>
      devtools.send('Storage.overrideQuotaForOrigin', {
        origin: url,
        ...(bytes === null ? {} : { quotaSize: bytes }),
      }),
    clear: (storageTypes: string) =>
      devtools.send('Storage.clearDataForOrigin', { origin: url, storageTypes }),
  }
}

test('D2 a full disk: events go on in memory, and are on it once there is room', async ({
  backend,
  open,
}) => {
  // A profile on a disk, which has a quota; and told before, since Chromium keeps it in mind for 30 s.
  const raw = await startRawChromium()
  const storage = await storageOf(raw.context, backend.url)
  await storage.setQuota(30_000)
  const tabs = [await open({}, raw.context), await open({}, raw.context)]
  for (const tab of tabs) await tab.until('open')
  await untilDurable(tabs, true)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await tabs[0]!.committed()
  await backend.publish(1_000)
  await untilDurable(tabs, false)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  // Opening and reading go well, writing does not: a second failure is one of being durable again.
  await eventually(async () => (await tabs[0]!.record()).errors.length, { timeout: 15_000 }).toBeGreaterThan(
    1,
  )
  await expectStorageErrors(tabs)
  const { statuses } = await tabs[0]!.record()
  expect(
    statuses.slice(statuses.findIndex(({ durable }) => !durable)).filter(({ durable }) => durable),
  ).toEqual([])

  await storage.setQuota(null)
  await untilDurable(tabs, true, 40_000)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await expectNextHubResumes(tabs, backend)
  await raw.close()
})

for (const [what, types] of Object.entries(CLEARINGS)) {
  test(`D2 cleared site data (${what}): nothing is lost or doubled, and the next hub resumes where this one was`, async ({
    backend,
    context,
    openTabs,
  }) => {
    const tabs = await openTabs(3)
    const storage = await storageOf(context, backend.url)
    await untilDurable(tabs, true)
    await backend.publish(20)
    await expectExactlyOnce(tabs, backend.published())
    await storage.clear(types)
    await backend.publish(20)
    await expectExactlyOnce(tabs, backend.published())
    await untilDurableAgain(tabs)
    await expectStorageErrors(tabs)
    // The SSE token's cookie went as well: the next stream gets a new one.
    await expectNextHubResumes(tabs, backend)
  })

  test(`D2 D1 site data cleared (${what}) and the hub dead at once: the next one goes on from what its tabs remember`, async ({
    backend,
    context,
    openTabs,
  }) => {
    const tabs = await openTabs(3)
    const storage = await storageOf(context, backend.url)
    await backend.publish(20)
    await expectExactlyOnce(tabs, backend.published())
    await storage.clear(types)
    await expectNextHubGoesOn(tabs, backend)
  })
}

test('T2 D2 once site data was cleared, a tab that starts its hub anew does not take it for dead', async ({
  backend,
  open,
}) => {
  const raw = await startRawChromium()
  const tab = await open({ host: 'worker' }, raw.context)
  const witness = await open({ host: 'worker' }, raw.context)
  for (const each of [tab, witness]) await each.until('open')
  await backend.publish(5)
  await expectExactlyOnce([tab, witness], backend.published())
  await (await storageOf(raw.context, backend.url)).clear(CLEARINGS.everything)
  await untilDurableAgain([tab, witness])
  // Its hub goes with the freeze. The next one has a lock manager in which the page's locks are not held.
  const devtools = await raw.context.newCDPSession(tab.page)
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  await backend.publish(5)
  await expectExactlyOnce([witness], backend.published())
  await devtools.send('Page.setWebLifecycleState', { state: 'active' })
  await backend.publish(5)
  await expectExactlyOnce([tab, witness], backend.published())
  for (const each of [tab, witness]) expect((await each.record()).resets).toEqual([])
  await eventually(() => backend.streams(), { message: 'one stream' }).toBe(1)
  const { opened } = backend.connections()
  for (let round = 0; round < 20; round++) {
    await backend.publish(5)
    await expectExactlyOnce([tab, witness], backend.published())
  }
  // Nor do two hubs that don't see each other's locks take the stream from one another for ever.
  expect(backend.connections().opened).toBe(opened)
  await raw.close()
})

test('S1 T2 D2 a tab that opens once everything was cleared shares the events, and takes the stream from nobody', async ({
  backend,
  context,
  openTabs,
  open,
}) => {
  const old = await openTabs(2)
  const storage = await storageOf(context, backend.url)
  await backend.publish(20)
  await expectExactlyOnce(old, backend.published())
  await storage.clear(CLEARINGS.everything)
  await untilDurableAgain(old)
  const late = await open()
  await late.until('open')
  for (const tab of old) await tab.until('open')
  const { opened } = backend.connections()
  const first = (await backend.publish()) as number
  await late.received(first)
  for (let round = 0; round < 20; round++) {
    await backend.publish(5)
    await expectExactlyOnce(old, backend.published())
  }
  await late.received(backend.published().at(-1)!)
  expect(await late.numbers()).toEqual(backend.published().slice(20))
  expect(backend.connections().opened, 'streams opened since').toBe(opened)
  expect(backend.connections()).toMatchObject({ total: 1, peak: { total: 1 } })

  // Every worker dies: those of the tabs with the old lock manager, and the late one's.
  for (const tab of [...old, late]) await tab.committed()
  await late.harm('close')
  await backend.publish(20)
  await expectExactlyOnce(old, backend.published())
  await late.received(backend.published().at(-1)!)
  expect(await late.numbers()).toEqual(backend.published().slice(20))
  for (const tab of [...old, late]) expect((await tab.record()).resets).toEqual([])
  expect(backend.peak()).toBe(1)
})
