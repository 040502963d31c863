import { setTimeout as pause } from 'node:timers/promises'
import { type BrowserContext, firefox } from 'playwright'
import { startRawChromium } from '../browser/chromium/raw-chromium.ts'
import { type BrowserName, launchWith } from '../browsers.ts'

/** A user's browser with one profile: it can be put to sleep, and killed and started again. */
export interface User {
  context(): BrowserContext
  /** As a laptop's lid does: every process of the browser stands still for so many ms. */
  sleep(ms: number): Promise<void>
  /** SIGKILL, and another one on the same profile. */
  restart(meanwhile: () => Promise<unknown>): Promise<void>
  close(): Promise<void>
}

const startChromium = async (): Promise<User> => {
  let raw = await startRawChromium()
  return {
    context: () => raw.context,
    async sleep(ms) {
      raw.signal('SIGSTOP')
      await pause(ms)
      raw.signal('SIGCONT')
    },
    async restart(meanwhile) {
      await raw.kill()
      await meanwhile()
      raw = await startRawChromium(raw.profile)
    },
    close: () => raw.close(),
  }
}

const startFirefox = async (): Promise<User> => {
  const { launchOptions, channel } = launchWith('firefox')
  const browser = await firefox.launch({ ...launchOptions, ...(channel === undefined ? {} : { channel }) })
  const context = await browser.newContext()
  const never = () => Promise.reject(new Error('Firefox is not driven that way.'))
  return { context: () => context, sleep: never, restart: never, close: () => browser.close() }
}

export const startUser = (name: BrowserName) => (name === 'chromium' ? startChromium() : startFirefox())
