import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'
import type { Tab } from './tab.ts'

/** The promise says 1 s; the rest is for a busy machine. */
const patience = { timeout: 5_000 }

const sessions = async (tab: Tab) => (await tab.inspect()).sessions.length

test('T1 a crashed tab leaves no session behind, and the others go on', async ({ backend, openTabs }) => {
  const [creator, victim, witness] = await openTabs(3)
  expect(await sessions(witness!)).toBe(3)
  await victim!.crash()
  await eventually(() => sessions(witness!), patience).toBe(2)
  await backend.publish(10)
  await expectExactlyOnce([creator!, witness!], backend.published())
  expect(backend.connections()).toMatchObject({ total: 1, opened: 1 })
})

test('T1 a closed tab, one that navigates away and one that calls close() leave no session', async ({
  openTabs,
  backend,
}) => {
  const [witness, closing, navigating, leaving] = await openTabs(4)
  await closing!.close()
  await eventually(() => sessions(witness!), patience).toBe(3)
  await navigating!.page.goto('about:blank')
  await eventually(() => sessions(witness!), patience).toBe(2)
  await leaving!.page.evaluate(() => window.stream.close())
  await eventually(() => sessions(witness!), patience).toBe(1)
  expect(await leaving!.page.evaluate(() => window.stream.status.state)).toBe('closed')
  await backend.publish()
  await expectExactlyOnce([witness!], [1])
  expect(await leaving!.numbers()).toEqual([])
})

test('T1 the last tab takes the stream with it', async ({ openTabs, backend }) => {
  const tabs = await openTabs(2)
  for (const tab of tabs) await tab.close()
  await eventually(() => backend.streams(), patience).toBe(0)
})
