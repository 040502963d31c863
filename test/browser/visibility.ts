import type { Page } from 'playwright/test'

/** The user turns to this page, or away from it: Playwright keeps every page visible. */
export const setVisible = (page: Page, visible: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  }, !visible)
