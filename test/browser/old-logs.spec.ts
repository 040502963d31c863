import type { Page } from 'playwright/test'
import { eventually, expect, test } from './fixtures.ts'

const DAY = 24 * 3_600_000

/** The log of a user of this origin, as a hub leaves it behind. */
const leave = (page: Page, name: string, hoursAgo: number) =>
  page.evaluate(
    ([database, use]) =>
      new Promise<void>((done, fail) => {
        const opening = indexedDB.open(database, 1)
        opening.onerror = () => fail(opening.error)
        opening.onupgradeneeded = () => {
          opening.result.createObjectStore('records', { keyPath: 'first' })
          opening.result.createObjectStore('position').put(use, 'use')
        }
        opening.onsuccess = () => {
          opening.result.close()
          done()
        }
      }),
    [name, { at: Date.now() - hoursAgo * 3_600_000, age: DAY }] as const,
  )

const names = (page: Page) =>
  page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name!).sort())

test('B3 a hub that starts deletes the logs that nobody has used for a day, and no other', async ({
  backend,
  context,
  open,
}) => {
  const page = await context.newPage()
  await page.goto(backend.url)
  await leave(page, 'tabstream:bob@https://app.test/old', 25)
  await leave(page, 'tabstream:bob@https://app.test/young', 23)
  await leave(page, 'of the application', 99)
  const tab = await open()
  await tab.until('open')
  await backend.publish(1)
  await tab.received(1)
  await eventually(() => names(page)).not.toContain('tabstream:bob@https://app.test/old')
  expect(await names(page)).toEqual([
    'of the application',
    (await tab.inspect()).key,
    'tabstream:bob@https://app.test/young',
  ])
  await tab.committed()
  expect((await tab.status()).durable).toBe(true)
  expect((await tab.record()).errors).toEqual([])
})
