import { firefox } from 'playwright'
import { launchWith } from '../browsers.ts'
import type { BenchBrowser } from './browser.ts'
import { cpuOf } from './processes.ts'

/** Through Playwright, there being no other way. What its listening costs native EventSource here is not known. */
export const startFirefox = async (notOf: number): Promise<BenchBrowser> => {
  const { channel, launchOptions } = launchWith('firefox')
  const browser = await firefox.launch({ ...launchOptions, ...(channel ? { channel } : {}) })
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  return {
    // The browser's, and ours beside it, which waits.
    cpu() {
      const [all, server] = [cpuOf(process.pid), cpuOf(notOf)]
      return all === null || server === null ? null : all - server
    },
    async openTab(url) {
      const page = await context.newPage()
      await page.goto(url)
      await page.waitForFunction(() => window.bench !== undefined)
      return {
        evaluate: (expression) => page.evaluate(expression),
        heap: async () => null,
        mainThread: async () => null,
        close: () => page.close(),
      }
    },
    workerHeap: async () => null,
    workerWakeUps: async () => null,
    endWorkers: async () => false,
    close: () => browser.close(),
  }
}
