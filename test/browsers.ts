import { existsSync, readdirSync } from 'node:fs'
import type { PlaywrightTestOptions, PlaywrightWorkerOptions } from 'playwright/test'
import { canInstall, installFromApt, isRoot, run, which } from './programs.ts'

export type BrowserName = 'chromium' | 'firefox'

type Use = Partial<PlaywrightTestOptions & PlaywrightWorkerOptions>

/** The names that Debian gives them. */
const commands: Record<BrowserName, string> = { chromium: 'chromium', firefox: 'firefox-esr' }

const chromiumArgs = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const missing = () => (Object.keys(commands) as BrowserName[]).filter((name) => !which(commands[name]))

/** Makes sure that Chromium and Firefox are there. Says what it does, asks nothing, throws if it can't. */
export const ensureBrowsers = (print: (line: string) => void = console.log) => {
  if (missing().length > 0 && canInstall()) {
    installFromApt(
      missing().map((name) => commands[name]),
      print,
    )
  }
  const ours = missing()
  if (ours.length === 0) return report(print)
  // Playwright's own builds come with an installer that does nothing when they are there already.
  if (run('npx', ['--no-install', 'playwright', 'install', ...ours], print)) return report(print)
  const names = ours.map((name) => commands[name]).join(' and ')
  throw new Error(
    `No ${names}: neither apt-get nor "playwright install" could bring it. Install ${names} so that ` +
      'the command is on the PATH, or let "npx playwright install chromium firefox" reach the network.',
  )
}

const report = (print: (line: string) => void) => {
  for (const [name, command] of Object.entries(commands)) {
    print(`${name}: ${which(command) ?? "Playwright's own build"}`)
  }
}

/** How to launch a browser: the system's where it is installed, else the one that Playwright brought. */
export const launchWith = (name: BrowserName): Use => {
  const executablePath = which(commands[name])
  const args = name === 'chromium' ? [...chromiumArgs, ...(isRoot() ? ['--no-sandbox'] : [])] : []
  if (!executablePath) return { browserName: name, launchOptions: { args } }
  return {
    browserName: name,
    // A stock Firefox lacks the protocol that Playwright patches into its hasOwnId: it is driven over BiDi.
    ...(name === 'firefox' ? { channel: 'moz-firefox' } : {}),
    launchOptions: { executablePath, args },
  }
}

/** What a run in WebKitGTK needs: three programs, by their paths. */
export interface WebKitPrograms {
  driver: string
  browser: string
  /** The screen that it draws on. */
  xvfb: string
}

/** Not on the PATH: a small browser that comes with the library. */
const miniBrowser = (): string | undefined =>
  ['/usr/libexec', '/usr/lib64', ...readdirSync('/usr/lib').map((folder) => `/usr/lib/${folder}`)]
    .map((folder) => `${folder}/webkit2gtk-4.1/MiniBrowser`)
    .find((file) => existsSync(file))

const findWebKit = (): WebKitPrograms | null => {
  const [driver, xvfb, browser] = [which('WebKitWebDriver'), which('Xvfb'), miniBrowser()]
  return driver && xvfb && browser ? { driver, xvfb, browser } : null
}

/** `null` where WebKitGTK is not there and can't be had: it is Linux's, and the names are Debian's. */
export const ensureWebKit = (print: (line: string) => void = console.log): WebKitPrograms | null => {
  const found = findWebKit()
  if (found !== null || !canInstall()) return found
  installFromApt(['webkit2gtk-driver', 'libwebkit2gtk-4.1-0', 'xvfb'], print)
  return findWebKit()
}
