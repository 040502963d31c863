import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright/test'
import { launchWith } from '../../browsers.ts'

/**
 * Chromium as a user's. Playwright's own keeps every page visible, so that freezing silently does nothing,
 * and turns the back/forward cache off.
 * @param kept the profile of one that was killed; default: a new one
 */
export const startRawChromium = async (kept?: string) => {
  const profile = kept ?? (await mkdtemp(join(tmpdir(), 'tabstream-raw-')))
  const { launchOptions } = launchWith('chromium')
  const child = spawn(
    launchOptions?.executablePath ?? chromium.executablePath(),
    [
      ...(launchOptions?.args ?? []),
      '--headless',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    // A group of its own: the whole browser can be stopped, continued and killed at once.
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  )
  const gone = new Promise((resolve) => child.on('exit', resolve))
  const signal = (name: NodeJS.Signals) => process.kill(-child.pid!, name)
  // In its own group it would outlive a run that is broken off.
  const orphan = () => signal('SIGKILL')
  process.once('exit', orphan)
  child.on('exit', () => process.off('exit', orphan))
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
      const found = /DevTools listening on (\S+)/.exec(said)
      if (found) resolve(found[1]!)
    })
    child.on('exit', () => reject(new Error(`Chromium does not start: ${said}`)))
  })
  const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true })
  const context: BrowserContext = browser.contexts()[0]!
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) signal('SIGKILL')
    await gone
  }
  return {
    browser,
    context,
    profile,
    signal,
    /** Leaves the profile, for another one to be started on. */
    kill,
    async close() {
      await browser.close()
      await kill()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
