import { fileURLToPath } from 'node:url'
import { type BrowserContext, test as base, expect, type Page } from 'playwright/test'
import { demoUsers } from '../../../demo/demo-users.ts'
import { type Backend, startBackend } from '../backend.ts'

interface Fixtures {
  /** ms between two events of the novel, which takes some 200 of them. */
  interval: number
  demo: Backend
  /** Opens the demo, logged in, in a new tab of the test's own browser profile or of another. */
  visit: (context?: BrowserContext) => Promise<Page>
}

export const dist = fileURLToPath(new URL('../../../demo/dist', import.meta.url))
export const user = 'alice'

/** Resolves once the page has its stream and shows it. */
export const ready = async (page: Page) => {
  await expect(page.locator('body')).toHaveAttribute('data-ready', 'yes', { timeout: 30_000 })
  await expect(page.locator('#connections')).toHaveText('1', { timeout: 30_000 })
}

export const logIn = async (page: Page) => {
  await page.getByRole('button', { name: 'Log in' }).click()
  await ready(page)
}

/** As the account of the page says of all tabs. */
export const shown = (page: Page, id: string) => page.locator(`#${id}`)

export const addFrames = async (page: Page, count: number) => {
  for (let index = 0; index < count; index++)
    await page.getByRole('button', { name: 'Show side by side' }).click()
  await expect(page.locator('#frames iframe')).toHaveCount(count)
}

export const tabsAre = (page: Page, count: number) =>
  expect(page.locator('#tabs'), 'tabs that the page knows of').toHaveText(String(count))

/** A page with a second tab in a frame: what one tab alone has, says little. */
export const withFrame = async (visit: () => Promise<Page>) => {
  const page = await visit()
  await addFrames(page, 1)
  await tabsAre(page, 2)
  return page
}

/** Presses the button of a fault, and resolves with what the page says came of it. */
export const run = async (page: Page, fault: string): Promise<string> => {
  await page.locator(`#fault-${fault}`).click()
  const outcome = page.locator(`#outcome-${fault}`)
  await expect(outcome).toHaveAttribute('data-kept', 'true', { timeout: 40_000 })
  return (await outcome.textContent())!
}

export const nothingIsLost = async (page: Page) => {
  await expect(shown(page, 'lost')).toHaveText('0')
  await expect(shown(page, 'doubled')).toHaveText('0')
}

export const test = base.extend<Fixtures>({
  interval: [100, { option: true }],
  demo: async ({ interval }, use) => {
    // As main.ts starts it with --dev.
    const options = { pingInterval: 1_000, retention: 50_000, pipelineInterval: interval }
    const backend = await startBackend({
      ...options,
      staticDir: dist,
      users: demoUsers,
      trustedTypes: ['tabstream-demo'],
    })
    await use(backend)
    await backend.close()
  },
  visit: async ({ demo, context }, use) => {
    await use(async (profile = context) => {
      const page = await profile.newPage()
      await page.goto(demo.url)
      // The first tab of a profile is asked; the others come in by its cookie.
      const asked = page.locator('#log-in')
      await expect(page.locator('main:not([hidden])')).toBeVisible()
      if (await asked.isVisible()) await page.getByRole('button', { name: 'Log in' }).click()
      await ready(page)
      return page
    })
  },
})

export { expect } from 'playwright/test'
