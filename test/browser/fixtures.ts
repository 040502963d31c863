import { type BrowserContext, test as base } from 'playwright/test'
import type { StartOptions } from './app/record.ts'
import { type Backend, type BackendOptions, startBackend } from './backend.ts'
import { openTab, range, type Tab } from './tab.ts'

interface Fixtures {
  /** Set with `test.use({ backendOptions: { ... } })`. */
  backendOptions: BackendOptions
  backend: Backend
  /** Opens the test application, connected, in a new tab of the test's own browser profile or of another. */
  open: (options?: StartOptions, context?: BrowserContext) => Promise<Tab>
  /** So many of them, with the stream open in each. */
  openTabs: (count: number, options?: StartOptions) => Promise<Tab[]>
}

export const test = base.extend<Fixtures>({
  backendOptions: [{}, { option: true }],
  backend: async ({ backendOptions }, use) => {
    const backend = await startBackend(backendOptions)
    await use(backend)
    await backend.close()
  },
  open: async ({ backend, context }, use) => {
    await use((options, profile = context) => openTab(profile, backend.url, options))
  },
  openTabs: async ({ open }, use) => {
    await use(async (count, options) => {
      // The first is alone for a moment, so that a test knows whose worker it is; the others come at once.
      const tabs: Tab[] = [await open(options)]
      tabs.push(...(await Promise.all(range(2, count).map(() => open(options)))))
      for (const tab of tabs) await tab.until('open')
      return tabs
    })
  },
})

export { expect } from 'playwright/test'
export { eventually } from './eventually.ts'
export { expectExactlyOnce, range } from './tab.ts'
