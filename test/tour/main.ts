import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright'
import { ensureBrowsers, launchWith } from '../browsers.ts'

/**
 * `npm run demo:tour`: the demo, started as `npm run demo` starts it, with every fault of it in a real Chromium. Says
 * what it does and what the page measured, and keeps pictures in demo/screenshots. The last line is the account.
 */

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const screenshots = path('../../demo/screenshots')
const wide = { width: 1_440, height: 900 }
const patience = 60_000

const startServer = async (dataDir: string): Promise<{ url: string; child: ChildProcess }> => {
  const main = path('../../demo/server/main.ts')
  const args = ['--import', 'tsx', main, '--dev', '--port', '0', '--data', dataDir]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout!), 'line')
  return { url: String(line), child }
}

const shoot = async (page: Page, name: string) => {
  await page.screenshot({ path: join(screenshots, `${name}.png`), animations: 'allow' })
  console.log(`  picture: demo/screenshots/${name}.png`)
}

const ready = async (page: Page) => {
  await page.locator('body[data-ready=yes]').waitFor({ timeout: patience })
  await page.locator('#picture .state', { hasText: /^open$/ }).waitFor({ timeout: patience })
}

const logIn = async (page: Page) => {
  await page.getByRole('button', { name: 'Log in' }).click()
  await ready(page)
}

const textOf = async (page: Page, selector: string) => (await page.locator(selector).textContent()) ?? ''

const tabsAre = (page: Page, count: number) =>
  page.locator('#tabs', { hasText: new RegExp(`^${count}$`) }).waitFor({ timeout: patience })

/** What the page has counted over all of its tabs. */
const total = { lost: 0, doubled: 0 }
const failures: string[] = []

const account = async (page: Page) => {
  total.lost += Number(await textOf(page, '#lost'))
  total.doubled += Number(await textOf(page, '#doubled'))
}

const finished = async (page: Page, fault: string) => {
  const outcome = page.locator(`#outcome-${fault}[data-kept]`)
  await outcome.waitFor({ timeout: patience })
  const kept = (await outcome.getAttribute('data-kept')) === 'true'
  if (!kept) failures.push(fault)
  console.log(`  ${kept ? 'kept' : 'BROKEN'}: ${await outcome.textContent()}`)
}

const start = async (page: Page, fault: string) => {
  const button = page.locator(`#fault-${fault}`)
  console.log(`${await button.textContent()}: ${await textOf(page, `#claim-${fault}`)}`)
  await button.click()
}

const run = async (page: Page, fault: string) => {
  await start(page, fault)
  await finished(page, fault)
}

const toTop = (page: Page) => page.evaluate(() => scrollTo(0, 0))

/** How many events the first tab has had, at least. */
const hasReceived = (page: Page, count: number) =>
  page.waitForFunction(
    (least) => Number(document.getElementById('received')!.textContent!.replaceAll(',', '')) >= least,
    count,
    { timeout: patience },
  )

const tour = async (url: string, browser: Browser) => {
  const context = await browser.newContext({ viewport: wide, colorScheme: 'light', deviceScaleFactor: 1 })
  const page = await context.newPage()

  console.log('\nLog in: one tab, one connection.')
  await page.goto(url)
  await logIn(page)
  await hasReceived(page, 12)
  await shoot(page, 'fresh')

  console.log('Three tabs: one in another window, two in frames.')
  const opened = context.waitForEvent('page')
  await page.getByRole('button', { name: 'Open another tab' }).click()
  await ready(await opened)
  for (let frame = 0; frame < 2; frame++)
    await page.getByRole('button', { name: 'Show side by side' }).click()
  await tabsAre(page, 4)
  await page.getByRole('button', { name: 'Crash frame 1' }).click()
  await tabsAre(page, 3)
  console.log(`  ${await textOf(page, '#notice')}`)
  await hasReceived(page, 60)
  await toTop(page)
  await shoot(page, 'three-tabs')

  await start(page, 'restart')
  // A line that lies level has no height, which counts as hidden.
  await page.locator('#picture .wire.broken').first().waitFor({ state: 'attached' })
  await page.locator('#picture .box.away').first().waitFor()
  await shoot(page, 'cut')
  await finished(page, 'restart')
  await run(page, 'cut')
  await toTop(page)
  await shoot(page, 'recovered')

  for (const fault of ['black-hole', 'expire-token', 'kill-worker', 'freeze', 'burst', 'third-browser'])
    await run(page, fault)

  console.log('Without tabstream: an EventSource in each of the same tabs.')
  await page.locator('#without').click()
  await page.locator('#without[aria-checked=true][aria-busy=false]').waitFor({ timeout: patience })
  for (const row of await page.locator('#comparison-rows tr').all())
    console.log(`  ${(await row.locator('th, td').allTextContents()).join(' | ')}`)
  await toTop(page)
  await page.setViewportSize({ width: 1_440, height: 1_500 })
  await shoot(page, 'without-tabstream')
  await page.setViewportSize(wide)
  await page.locator('#without').click()
  await page.locator('#without[aria-checked=false][aria-busy=false]').waitFor({ timeout: patience })
  await account(page)
  await page.locator('#connections', { hasText: /^1$/ }).waitFor({ timeout: patience })

  console.log('In the dark, and on a narrow screen.')
  await page.emulateMedia({ colorScheme: 'dark' })
  await shoot(page, 'dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 360, height: 1_500 })
  await shoot(page, 'narrow')
  await page.setViewportSize(wide)

  await start(page, 'switch-user')
  await page.locator('#user', { hasText: 'hatter' }).waitFor({ timeout: patience })
  await finished(page, 'switch-user')
  await account(page)

  await start(page, 'sign-out')
  await page.locator('#log-in-note', { hasText: 'signed out' }).waitFor({ timeout: patience })
  const said = await textOf(page, '#log-in-note')
  if (!said.includes('0 connections') || !said.includes('0 logs')) failures.push('sign-out')
  console.log(`  ${said}`)
}

ensureBrowsers()
mkdirSync(screenshots, { recursive: true })
const dataDir = mkdtempSync(join(tmpdir(), 'tabstream-tour-'))
const { url, child } = await startServer(dataDir)
const browser = await chromium.launch(launchWith('chromium').launchOptions)
try {
  await tour(url, browser)
} catch (error) {
  failures.push((error as Error).message)
} finally {
  await browser.close()
  const gone = once(child, 'exit')
  child.kill()
  await gone
  rmSync(dataDir, { recursive: true, force: true })
}
for (const failure of failures) console.log(`FAILED: ${failure}`)
console.log(`\nlost ${total.lost}, doubled ${total.doubled}`)
process.exitCode = failures.length + total.lost + total.doubled > 0 ? 1 : 0
