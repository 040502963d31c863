import { violationsIn } from '../../axe.ts'
import { addFrames, expect, logIn, ready, tabsAre, test } from '../fixtures.ts'

// A page is small, axe is not, and a machine may be busy.
test.setTimeout(150_000)

const widths = [360, 1_440]

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing, logged out and in, with frames, wide and narrow, ${colorScheme}`, async ({
    page,
    demo,
  }) => {
    await page.emulateMedia({ colorScheme })
    await page.goto(demo.url)
    await expect(page.locator('#log-in')).toBeVisible()
    expect(await violationsIn(page, 'html')).toEqual([])
    await logIn(page)
    await addFrames(page, 1)
    await tabsAre(page, 2)
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 })
      expect(await violationsIn(page, 'html')).toEqual([])
    }
  })
}

for (const width of widths) {
  test(`at ${width} px nothing is wider than the page, and every button can be reached`, async ({
    page,
    demo,
  }) => {
    await page.setViewportSize({ width, height: 800 })
    await page.goto(demo.url)
    await logIn(page)
    await addFrames(page, 2)
    await tabsAre(page, 3)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    for (const button of await page.getByRole('button').all()) {
      const box = (await button.boundingBox())!
      expect(box.x).toBeGreaterThanOrEqual(0)
      expect(box.x + box.width).toBeLessThanOrEqual(width)
      expect(box.height).toBeGreaterThanOrEqual(24)
    }
  })
}

test('the keyboard goes through it in the order in which it is read', async ({ page, demo }) => {
  await page.goto(demo.url)
  await logIn(page)
  await page.locator('#log-out').focus()
  const visited: string[] = []
  for (let step = 0; step < 16; step++) {
    await page.keyboard.press('Tab')
    visited.push(await page.evaluate(() => document.activeElement!.id))
  }
  expect(visited.slice(0, 4)).toEqual(['open-tab', 'add-frame', 'without', 'fault-cut'])
  expect(visited).toContain('fault-switch-user')
  await page.locator('#add-frame').focus()
  await page.keyboard.press('Enter')
  await tabsAre(page, 2)
})

test('nothing moves where motion is not wanted', async ({ page, demo }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(demo.url)
  await page.evaluate(() => {
    const counts = { pulses: 0 }
    Object.assign(globalThis, { counts })
    const original = Element.prototype.animate
    Element.prototype.animate = function (...args) {
      counts.pulses += 1
      return original.apply(this, args)
    }
  })
  const pulses = () =>
    page.evaluate(() => (globalThis as unknown as { counts: { pulses: number } }).counts.pulses)
  await logIn(page)
  await expect(page.locator('#received')).not.toHaveText('0')
  expect(await pulses()).toBe(0)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  await expect.poll(pulses).toBeGreaterThan(0)
  await ready(page)
})
