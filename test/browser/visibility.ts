import type { Page } from 'playwright/test'

/** The user turns to this page, or away from it: Playwright keeps every page visible. */
export const setVisible = (page: Page, visible: boolean) =>
  page.evaluate((hidden) => {
    // A value, and no getter: a loader that keeps the names of functions puts a call into it that the page lacks.
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  }, !visible)

/** The page is what the browser says that it is. */
export const endPretence = (page: Page) =>
  page.evaluate(() => {
    // What the property hides is the platform's own, of the prototype.
    Reflect.deleteProperty(document, 'hidden')
    document.dispatchEvent(new Event('visibilitychange'))
  })
