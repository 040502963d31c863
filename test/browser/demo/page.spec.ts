import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { eventually } from '../eventually.ts'
import { addFrames, dist, expect, nothingIsLost, shown, tabsAre, test, user } from './fixtures.ts'

test('S1 a tab that is opened by the button shares the one connection, and both say so', async ({
  visit,
  demo,
}) => {
  const page = await visit()
  await tabsAre(page, 1)
  const opened = page.context().waitForEvent('page')
  await page.getByRole('button', { name: 'Open another tab' }).click()
  const other = await opened
  await tabsAre(page, 2)
  await tabsAre(other, 2)
  for (const each of [page, other]) await expect(shown(each, 'connections')).toHaveText('1')
  await expect(shown(page, 'limit')).toHaveText('of 2')
  expect(demo.streams(user)).toBe(1)
  const { users } = demo.connections().peak
  expect(users[user]).toBe(1)
})

test.describe('a novel that is not finished before a busy machine has looked at two tabs', () => {
  test.use({ interval: 300 })

  test('the novel is written by itself at first, and reads the same in every tab', async ({ visit }) => {
    const page = await visit()
    const other = await visit()
    for (const each of [page, other]) {
      await expect(each.locator('#title')).toContainText('Alice')
      await expect(each.locator('#workflow')).toHaveText('workflow running')
      await expect(each.locator('#chapters h3').first()).toHaveText('1. Down the Rabbit-Hole')
      await expect(each.locator('#progress').getByText('Genesis')).toBeVisible()
      await expect(each.locator('#progress').getByText('Chapter 1')).toBeVisible()
    }
    await page.getByRole('button', { name: 'Pause' }).click()
    for (const each of [page, other]) await expect(each.locator('#workflow')).toHaveText('workflow paused')
    const textOf = (each: typeof page) => each.locator('#chapters').textContent()
    await eventually(async () => (await textOf(page)) === (await textOf(other))).toBe(true)
    await page.getByLabel('Another title').fill('Another name')
    await page.getByRole('button', { name: 'Publish' }).click()
    for (const each of [page, other]) await expect(each.locator('#title')).toHaveText('Another name')
  })
})

test('each tab counts what it receives, and the page adds up', async ({ visit, demo }) => {
  const page = await visit()
  await page.getByRole('button', { name: 'Pause' }).click()
  await addFrames(page, 2)
  await tabsAre(page, 3)
  await demo.publish(50, user)
  const rows = page.locator('#account-rows tr').filter({ hasText: 'Tab' })
  await expect(rows).toHaveCount(3)
  for (const row of await rows.all()) {
    await expect(row.locator('td').nth(3)).toHaveText('0')
    const received = async () => Number(await row.locator('td').nth(2).textContent())
    await eventually(async () => (await received()) >= 50).toBe(true)
  }
  await nothingIsLost(page)
})

test('T1 a frame that is closed, and one that is torn down as in a crash, are gone at once', async ({
  visit,
  demo,
}) => {
  const page = await visit()
  await addFrames(page, 2)
  await tabsAre(page, 3)
  await page.getByRole('button', { name: 'Close frame 1' }).click()
  await tabsAre(page, 2)
  await expect(page.locator('#notice')).toContainText(/Tab \d has gone: noticed \d+ ms after/)
  await page.getByRole('button', { name: 'Crash frame 2' }).click()
  await tabsAre(page, 1)
  await expect(page.locator('#picture svg')).toHaveAttribute(
    'aria-label',
    /^1 connection of at most 2 at the server; [^;]*; tab 1/,
  )
  expect(demo.streams(user)).toBe(1)
})

test('the picture says in words what it shows', async ({ visit, demo }) => {
  const page = await visit()
  await addFrames(page, 1)
  await tabsAre(page, 2)
  const picture = page.getByRole('img')
  await expect(picture).toHaveAccessibleName(
    /one worker, its stream open; tab 1, this tab: [\d,]+ received; tab 2, frame: /,
  )
  await demo.publish(3, user)
  await demo.stop()
  await expect(picture).toHaveAccessibleName(/its stream (waiting|connecting)/)
  await expect(picture.getByText('does not answer')).toBeVisible()
  await demo.start()
  await expect(picture).toHaveAccessibleName(/its stream open/, { timeout: 30_000 })
})

test('no request leaves for another origin, and nothing is refused by the policy', async ({
  visit,
  demo,
  context,
}) => {
  const requests: string[] = []
  const complaints: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  context.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  context.on('weberror', (error) => complaints.push(error.error().message))
  const page = await visit()
  await addFrames(page, 1)
  await tabsAre(page, 2)
  expect(requests.length).toBeGreaterThan(5)
  expect(requests.filter((url) => !url.startsWith(demo.url) && !url.startsWith('data:'))).toEqual([])
  // The first visit asks whether it is logged in, which it is not.
  expect(complaints).toEqual([])
})

test('all that the page loads is below 115 kB gzipped', () => {
  const sizes = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dist, name))
    .filter((file) => statSync(file).isFile())
    // The demo asks for no state and makes no claim.
    .filter((file) => !/(claims|state)-[^/]*\.js$/.test(file))
    // The bundler adds the library's own worker file, which an application that brings its own never loads.
    .filter(
      (file) => !file.includes('stream.worker') || readFileSync(file, 'utf8').includes('tabstream-demo'),
    )
    .map((file) => gzipSync(readFileSync(file)).length)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  expect(total).toBeLessThan(115 * 1024)
  expect(total).toBeGreaterThan(30 * 1024)
})
