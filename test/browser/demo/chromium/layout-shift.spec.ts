import { addFrames, expect, logIn, run, tabsAre, test } from '../fixtures.ts'

declare global {
  interface Window {
    shifts: string[]
  }
}

test('nothing moves by itself: from the log-in to the end of a fault the layout shift is 0', async ({
  page,
  demo,
}) => {
  await page.addInitScript(() => {
    window.shifts = []
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        hadRecentInput: boolean
        value: number
        sources: { node: Element | null }[]
      })[])
        if (!entry.hadRecentInput)
          window.shifts.push(
            `${entry.value} ${entry.sources.map(({ node }) => node?.id || `${node?.nodeName} in #${node?.parentElement?.closest('[id]')?.id}`).join()}`,
          )
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await page.setViewportSize({ width: 1_440, height: 1_400 })
  await page.goto(demo.url)
  await logIn(page)
  await expect(page.locator('#chapters h3').first()).toBeVisible()
  await addFrames(page, 2)
  await tabsAre(page, 3)
  await run(page, 'cut')
  await run(page, 'third-browser')
  await run(page, 'expire-token')
  expect(await page.evaluate(() => window.shifts)).toEqual([])
})
