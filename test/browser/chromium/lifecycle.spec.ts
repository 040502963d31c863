import type { BrowserContext } from 'playwright/test'
import { test as base, eventually, expect, expectExactlyOnce } from '../fixtures.ts'
import type { Tab } from '../tab.ts'
import { startRawChromium } from './raw-chromium.ts'

const test = base.extend<{ user: BrowserContext }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs off this pattern.
  user: async ({}, use) => {
    const raw = await startRawChromium()
    await use(raw.context)
    await raw.close()
  },
})

const setLifecycle = async ({ page }: Tab, state: 'frozen' | 'active') => {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Page.setWebLifecycleState', { state })
  await devtools.detach()
}

test('T3 a page comes back from the back/forward cache with its cursor, and catches up', async ({
  backend,
  open,
  user,
}) => {
  const away = await open({}, user)
  const witness = await open({}, user)
  for (const tab of [away, witness]) await tab.until('open')
  await backend.publish(10)
  await expectExactlyOnce([away, witness], backend.published())

  await away.page.evaluate(() => {
    window.addEventListener('pageshow', ({ persisted }) =>
      window.record.reported.push(`persisted ${persisted}`),
    )
  })
  await away.page.goto(`${backend.url}/nothing-here`)
  await eventually(async () => (await witness.inspect()).sessions.length, { message: 'it let go' }).toBe(1)
  await backend.publish(30)
  await expectExactlyOnce([witness], backend.published())

  await away.page.evaluate(() => history.back())
  await away.page.waitForFunction(() => window.record?.reported.length > 0)
  // The same document, with what it had heard before: it was cached, not loaded again.
  expect((await away.record()).reported).toEqual(['persisted true'])
  await backend.publish(5)
  await expectExactlyOnce([away, witness], backend.published())
  expect((await away.record()).resets).toEqual([])
  expect(backend.connections()).toMatchObject({ opened: 1, peak: { total: 1 } })
})

test('D4 T3 a frozen tab catches up from the log, and holds nobody up meanwhile', async ({
  backend,
  open,
  user,
}) => {
  const frozen = await open({}, user)
  const witness = await open({}, user)
  for (const tab of [frozen, witness]) await tab.until('open')
  await backend.publish(10)
  await expectExactlyOnce([frozen, witness], backend.published())
  await setLifecycle(frozen, 'frozen')
  for (let batch = 0; batch < 8; batch++) await backend.publish(500)
  await expectExactlyOnce([witness], backend.published())
  await setLifecycle(frozen, 'active')
  await expectExactlyOnce([frozen], backend.published())
  expect((await frozen.record()).resets).toEqual([])
})

test('D4 a tab that was frozen for longer than the log reaches back is told, and goes on from there', async ({
  backend,
  open,
  user,
}) => {
  const options = { connect: { log: { events: 1_000 } } }
  const frozen = await open(options, user)
  const witness = await open(options, user)
  for (const tab of [frozen, witness]) await tab.until('open')
  await setLifecycle(frozen, 'frozen')
  for (let batch = 0; batch < 40; batch++) {
    await backend.publish(500)
    await witness.received(backend.published().at(-1)!)
  }
  await setLifecycle(frozen, 'active')
  await eventually(async () => (await frozen.record()).resets, { message: 'a reset' }).toEqual([
    { reason: 'fell-behind' },
  ])
  await backend.publish(5)
  await frozen.received(backend.published().at(-1)!)
  const heard = await frozen.numbers()
  expect(heard.slice(-5)).toEqual(backend.published().slice(-5))
  expect(new Set(heard).size).toBe(heard.length)
})

test('T3 a frozen tab that leads gives the lock up, and follows when it is back', async ({
  backend,
  open,
  user,
}) => {
  const tabs = [await open({ host: 'worker' }, user), await open({ host: 'worker' }, user)]
  for (const tab of tabs) await tab.until('open')
  const [leader, other] = (await tabs[0]!.status()).role === 'leader' ? tabs : tabs.toReversed()
  await backend.publish(10)
  await expectExactlyOnce(tabs, backend.published())
  await setLifecycle(leader!, 'frozen')
  await backend.publish(10)
  await expectExactlyOnce([other!], backend.published())
  await setLifecycle(leader!, 'active')
  await backend.publish(10)
  await expectExactlyOnce(tabs, backend.published())
  expect((await leader!.status()).role).toBe('follower')
  expect(backend.peak()).toBe(1)
})

test('H1 a tab behind another one is held back, and has everything once it is in front', async ({
  backend,
  open,
  user,
}) => {
  const options = { connect: { hidden: { every: 3_600_000 } } }
  const behind = await open(options, user)
  const front = await open(options, user)
  for (const tab of [behind, front]) await tab.until('open')
  await front.page.bringToFront()
  const view = ({ page }: Tab) => page.evaluate(() => document.visibilityState)
  await eventually(() => view(behind), { message: 'the tab is hidden' }).toBe('hidden')
  await backend.publish()
  await behind.received(1)
  await backend.publish(10)
  await expectExactlyOnce([front], backend.published())
  expect(await behind.numbers()).toEqual([1])
  await behind.page.bringToFront()
  await expectExactlyOnce([behind], backend.published())
  expect((await behind.record()).resets).toEqual([])
})
