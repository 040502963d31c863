import { eventually } from '../eventually.ts'
import { expect, nothingIsLost, run, test, user, withFrame } from './fixtures.ts'

// Those of the faults that rest on what a browser does, in every browser; the others are in chromium/faults.spec.ts.
test.setTimeout(90_000)

test('cut the connection: the server has opened another, and both tabs have all', async ({ visit, demo }) => {
  const page = await withFrame(visit)
  const { opened } = demo.connections()
  const said = await run(page, 'cut')
  expect(said).toMatch(/^open → .*open\. Back after .*Each of 2 tabs has them: lost 0, doubled 0\.$/)
  expect(demo.connections().opened).toBe(opened + 1)
  await nothingIsLost(page)
})

test('T2 kill the worker: another has its place', async ({ visit, demo }) => {
  const page = await withFrame(visit)
  const said = await run(page, 'kill-worker')
  const [, before, after] = /^Worker (\w{8}) is dead, (\w{8}) has its place\./.exec(said)!
  expect(after).not.toBe(before)
  await eventually(() => demo.streams(user)).toBe(1)
  await nothingIsLost(page)
})

test('A4 sign out here: every tab of the browser is asked to log in, and the log is gone', async ({
  visit,
  demo,
}) => {
  const page = await visit()
  const other = await visit()
  await page.locator('#fault-sign-out').click()
  for (const each of [page, other]) await expect(each.locator('#log-in')).toBeVisible()
  await expect(page.locator('#log-in-note')).toContainText(
    /^alice signed out of 2 tabs in .*: 0 connections at the server, 0 logs left on this disk\.$/,
  )
  expect(demo.streams(user)).toBe(0)
  const databases = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
  expect(databases.filter((name) => name?.startsWith('tabstream:alice'))).toEqual([])
})

test('A3 switch user: every tab goes on as the next, and hears nothing of the former', async ({
  visit,
  demo,
}) => {
  const page = await visit()
  const other = await visit()
  await page.locator('#fault-switch-user').click()
  for (const each of [page, other]) await expect(each.locator('#user')).toHaveText('hatter')
  const outcome = page.locator('#outcome-switch-user')
  await expect(outcome).toHaveAttribute('data-kept', 'true', { timeout: 20_000 })
  await expect(outcome).toContainText('Now hatter: 5 events for hatter arrived, of 5 for alice 0.')
  expect(demo.streams('alice')).toBe(0)
  expect(demo.streams('hatter')).toBe(1)
})
