import type { Page } from 'playwright/test'
import { expect, nothingIsLost, shown, tabsAre, test, user } from './fixtures.ts'

test.setTimeout(90_000)

const figures = async (page: Page, column: 'tabstream' | 'native'): Promise<Record<string, number>> => {
  const index = column === 'tabstream' ? 0 : 1
  const rows = await page.locator('#comparison-rows tr').all()
  const cells = await Promise.all(
    rows.map(async (row) => {
      const text = (await row.locator('td').nth(index).textContent())!
      const value = Number.parseInt(text.replaceAll(',', ''), 10) * (text.includes('kB') ? 1_000 : 1)
      return [(await row.locator('th').textContent())!, value] as const
    }),
  )
  return Object.fromEntries(cells)
}

test('without tabstream the third tab is refused and bytes double; back again nothing is lost', async ({
  visit,
  demo,
}) => {
  const page = await visit()
  const without = page.getByRole('switch', { name: 'Without tabstream' })
  await without.click()
  await tabsAre(page, 3)
  await expect(without).toHaveAttribute('aria-checked', 'true', { timeout: 40_000 })
  await expect(without).toHaveAttribute('aria-busy', 'false')

  const [ours, native] = [await figures(page, 'tabstream'), await figures(page, 'native')]
  expect(ours).toMatchObject({
    Tabs: 3,
    'Connections at the server': 1,
    'Refused (429)': 0,
    'Tabs that hear nothing': 0,
  })
  expect(native).toMatchObject({
    Tabs: 3,
    'Connections at the server': 2,
    'Refused (429)': 1,
    'Tabs that hear nothing': 1,
  })
  const bytes = (of: Record<string, number>) => of['Bytes from the server for 200 events']!
  expect(bytes(ours)).toBeGreaterThan(200 * 200)
  expect(bytes(native)).toBeGreaterThan(1.8 * bytes(ours))
  expect(ours['Events received, all tabs']).toBeGreaterThanOrEqual(600)
  expect(native['Events received, all tabs']).toBeLessThan(600)

  expect(demo.streams(user)).toBe(2)
  await expect(page.locator('#picture').getByText('refused: hears nothing')).toBeVisible()
  await expect(page.locator('#fault-cut')).toHaveAttribute('aria-disabled', 'true')

  await without.click()
  await expect(without).toHaveAttribute('aria-checked', 'false', { timeout: 40_000 })
  await expect(shown(page, 'connections')).toHaveText('1')
  expect(demo.streams(user)).toBe(1)
  for (const row of await page.locator('#account-rows tr').filter({ hasText: 'Tab' }).all())
    await expect(row.locator('td').nth(3), 'behind').toHaveText('0')
  await nothingIsLost(page)
})
