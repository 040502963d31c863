import { expect, expectExactlyOnce, test } from './fixtures.ts'
import {
  expectNextHubGoesOn,
  expectNextHubResumes,
  expectStorageErrors,
  openOtherTab,
  untilDurable,
  untilDurableAgain,
} from './storage-faults.ts'

test('D2 a newer version in another tab: the hub gives way, goes on in memory, and is durable again later', async ({
  backend,
  context,
  openTabs,
}) => {
  const tabs = await openTabs(3)
  await untilDurable(tabs, true)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const other = await openOtherTab(context, backend.url, (await tabs[0]!.inspect()).key)
  // It resolves at all: a hub that held on would block it for as long as the hub lives.
  expect(await other.hold(3)).toBe(3)
  await untilDurable(tabs, false)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await expectStorageErrors(tabs)
  // Not the newer version's end is the fault's, but its database's: this hub knows version 2.
  await other.letGo()
  await other.remove()
  await untilDurable(tabs, true, 40_000)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await expectNextHubResumes(tabs, backend)
})

test('D2 another tab deletes the database: nothing is lost, and the next hub has all of it', async ({
  backend,
  context,
  openTabs,
}) => {
  const tabs = await openTabs(3)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const other = await openOtherTab(context, backend.url, (await tabs[0]!.inspect()).key)
  await other.remove()
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await untilDurableAgain(tabs)
  await expectStorageErrors(tabs)
  await expectNextHubResumes(tabs, backend)
})

test('D2 the hub dies right after its database was deleted: the next one goes on from what its tabs remember', async ({
  backend,
  context,
  openTabs,
}) => {
  const tabs = await openTabs(3)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const other = await openOtherTab(context, backend.url, (await tabs[0]!.inspect()).key)
  await other.remove()
  await expectNextHubGoesOn(tabs, backend)
})

test('D2 an open that hangs: memory after 3 s, and durable once the other tab ends its transaction', async ({
  backend,
  browser,
  context,
  open,
}) => {
  // The key is told by a tab of another browser profile: here nobody may have opened the database before.
  const profile = await browser.newContext()
  const elsewhere = await open(undefined, profile)
  await elsewhere.until('open')
  const { key } = await elsewhere.inspect()
  await profile.close()
  const other = await openOtherTab(context, backend.url, key)
  await other.holdUpgrade()
  const tabs = [await open(), await open()]
  for (const tab of tabs) await tab.until('open')
  expect((await tabs[0]!.inspect()).key).toBe(key)
  await untilDurable(tabs, false)
  await backend.publish(50)
  await expectExactlyOnce(tabs, backend.published())
  await other.letGo()
  await untilDurable(tabs, true, 40_000)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await expectNextHubResumes(tabs, backend)
})

test('D2 a tab that holds on while another deletes: every open hangs behind, and the stream does not', async ({
  backend,
  context,
  openTabs,
}) => {
  const tabs = await openTabs(2)
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  const { key } = await tabs[0]!.inspect()
  const deaf = await openOtherTab(context, backend.url, key)
  await deaf.hold()
  const other = await openOtherTab(context, backend.url, key)
  const removed = other.remove()
  await untilDurable(tabs, false)
  // The second error is that of an open that hung for 3 s.
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  await expect
    .poll(async () => (await tabs[0]!.record()).errors.length, { timeout: 15_000 })
    .toBeGreaterThan(1)
  await deaf.letGo()
  await removed
  await untilDurable(tabs, true, 40_000)
  await expectStorageErrors(tabs)
  await expectNextHubResumes(tabs, backend)
})

test('D2 D6 a browser profile of its own, a private window to the browser, starts without a past and is durable', async ({
  backend,
  browser,
  open,
}) => {
  const usual = [await open()]
  await usual[0]!.until('open')
  await backend.publish(10)
  await expectExactlyOnce(usual, backend.published())
  const window = await browser.newContext()
  const apart = await open({}, window)
  await apart.until('open')
  await untilDurable([apart], true)
  await backend.publish(10)
  await expectExactlyOnce(usual, backend.published())
  await apart.received(20)
  expect(await apart.numbers()).toEqual(backend.published().slice(10))
  // Two profiles are two browsers to the server: a stream each (S1 speaks of one profile).
  expect(backend.peak()).toBe(2)
  await apart.committed()
  await apart.harm('close')
  await backend.publish(10)
  await apart.received(30)
  expect(await apart.numbers()).toEqual(backend.published().slice(10))
  await window.close()
  await expectExactlyOnce(usual, backend.published())
})
