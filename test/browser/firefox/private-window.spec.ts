import { type BrowserContext, firefox } from 'playwright/test'
import { launchWith } from '../../browsers.ts'
import { test as base, expect, expectExactlyOnce } from '../fixtures.ts'
import { expectNextHubGoesOn, expectNextHubResumes, untilDurable } from '../storage-faults.ts'

/**
 * Private windows as a user opens them: a context of Playwright's is a container to Firefox, which keeps its
 * data on disk. (To Chromium a context is an incognito window: there, every other test runs in one.)
 */
const test = base.extend<{ openPrivate: (prefs?: Record<string, boolean>) => Promise<BrowserContext> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs off this pattern.
  openPrivate: async ({}, use) => {
    const closings: (() => Promise<void>)[] = []
    await use(async (prefs = {}) => {
      const { launchOptions, channel } = launchWith('firefox')
      const browser = await firefox.launch({
        ...launchOptions,
        ...(channel === undefined ? {} : { channel }),
        firefoxUserPrefs: { 'browser.privatebrowsing.autostart': true, ...prefs },
      })
      closings.push(() => browser.close())
      return browser.newContext()
    })
    for (const close of closings) await close()
  },
})

test('D2 in a private window the log is durable for as long as the window lives', async ({
  backend,
  open,
  openPrivate,
}) => {
  const window = await openPrivate()
  const tabs = [await open({}, window), await open({}, window)]
  for (const tab of tabs) await tab.until('open')
  await untilDurable(tabs, true)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await expectNextHubResumes(tabs, backend)
  for (const tab of tabs) expect((await tab.record()).errors).toEqual([])
})

test('D2 in a private window without IndexedDB the stream runs in memory, and says so', async ({
  backend,
  open,
  openPrivate,
}) => {
  // What Firefox was until version 115, and what its users can still ask for.
  const window = await openPrivate({ 'dom.indexedDB.privateBrowsing.enabled': false })
  const tabs = [await open({}, window), await open({}, window)]
  for (const tab of tabs) await tab.until('open')
  await untilDurable(tabs, false)
  await backend.publish(200)
  await expectExactlyOnce(tabs, backend.published())
  backend.proxy.cut()
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const errors = async () => (await tabs[0]!.record()).errors.filter(({ kind }) => kind === 'storage').length
  await expect.poll(errors, { timeout: 15_000 }).toBeGreaterThan(0)
  for (const tab of tabs) {
    const { statuses, resets } = await tab.record()
    expect(statuses.filter(({ durable }) => durable)).toEqual([])
    expect(resets).toEqual([])
  }

  // What memory held goes with the hub that held it. Its tabs know how far they were, and the next hub asks from there.
  await expectNextHubGoesOn(tabs, backend)
})
