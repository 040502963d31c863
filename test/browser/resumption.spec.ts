import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext } from 'playwright/test'
import { test as base, eventually, expect, expectExactlyOnce, range } from './fixtures.ts'
import { openTab } from './tab.ts'

const test = base.extend<{ launch: () => Promise<BrowserContext> }>({
  /** Starts the browser, always on the same profile; the one that runs is to be closed before. */
  launch: async ({ playwright, browserName, launchOptions, channel }, use) => {
    const profile = await mkdtemp(join(tmpdir(), 'tabstream-profile-'))
    const options = { ...launchOptions, ...(channel ? { channel } : {}) }
    let running: BrowserContext | undefined
    await use(async () => {
      running = await playwright[browserName].launchPersistentContext(profile, options)
      return running
    })
    await running?.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  },
})

test('D6 with all tabs closed 50 events are published: the tab that comes back gets the 50', async ({
  backend,
  openTabs,
  open,
}) => {
  const tabs = await openTabs(3)
  await backend.publish(10)
  await expectExactlyOnce(tabs, backend.published())
  await tabs[0]!.committed()
  for (const tab of tabs) await tab.close()
  await eventually(() => backend.streams()).toBe(0)
  await backend.publish(50)
  const back = await open()
  await expectExactlyOnce([back], range(11, 60))
  const [, second] = await backend.requests('/api/v1/events/stream')
  expect(second?.lastEventId).toMatch(/-10$/)
  expect((await back.record()).resets).toEqual([])
})

test('D6 after a restart of the browser the stream resumes after the last committed id', async ({
  backend,
  launch,
}) => {
  const before = await launch()
  const tab = await openTab(before, backend.url)
  await tab.until('open')
  await backend.publish(10)
  await expectExactlyOnce([tab], backend.published())
  await tab.committed()
  await before.close()
  await eventually(() => backend.streams()).toBe(0)
  await backend.publish(50)

  const after = await launch()
  const back = await openTab(after, backend.url)
  await expectExactlyOnce([back], range(11, 60))
  // The log of the time before is still there for a tab that wants it.
  const late = await openTab(after, backend.url, { connect: { from: 'start' } })
  await expectExactlyOnce([late], range(1, 60))
})
