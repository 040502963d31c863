import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium, type Frame, type Page } from 'playwright'
import { launchWith } from '../browsers.ts'
import { writeCounts } from '../counts.ts'
import { type Case, cases } from './cases.ts'
import { PATIENCE } from './checks.ts'
import { installFixture } from './fixture.ts'
import { startFront } from './front.ts'

/**
 * `npm run test:package [name ...]`: packs what `npm run build` left, builds an application from the tarball with
 * each bundler, and runs it in Chromium: two tabs, one stream at the server, one event in both, an inspector.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))

const folderOf = (work: string, name: string) => join(work, name)

/** Opens one more tab, and gives what runs the client in it. */
const openTab = async (
  browser: { newPage(): Promise<Page> },
  url: string,
  framed: boolean,
): Promise<Frame> => {
  const tab = await browser.newPage()
  if (!framed) {
    await tab.goto(url)
    return tab.mainFrame()
  }
  await tab.goto(url.replace('127.0.0.1', 'localhost').replace(/\/[^/]*$/, '/outer.html'))
  await tab.evaluate((src) => {
    document.body.append(Object.assign(document.createElement('iframe'), { src }))
  }, url)
  await tab.waitForFunction(() => frames.length === 1)
  return tab.frames()[1]!
}

/**
 * Playwright starts Chromium without the partitioning of third-party storage, and denies a third party locks and
 * storage altogether. So this one is started with none of its flags.
 */
const asUsersHaveIt = (work: string) => {
  const { args = [], ...options } = launchWith('chromium').launchOptions ?? {}
  const profile = join(work, 'profile')
  const own = ['--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank']
  return chromium.launchPersistentContext(profile, {
    ...options,
    ignoreDefaultArgs: true,
    args: [...args, ...own],
  })
}

const tryCase = async (browser: Browser, work: string, each: Case): Promise<string> => {
  const { close, ...options } = await each.prepare(folderOf(work, each.fixture))
  const front = await startFront(options)
  const context = each.framed ? await asUsersHaveIt(work) : await browser.newContext()
  const said: string[] = []
  context.on('console', (message) => message.type() === 'error' && said.push(message.text()))
  context.on('weberror', (error) => said.push(error.error().message))
  try {
    const url = `${front.url}/${each.path ?? ''}`
    if (each.html !== undefined && !(await (await fetch(url)).text()).includes(each.html))
      throw new Error(`What the server rendered lacks "${each.html}".`)
    const tabs = [await openTab(context, url, each.framed ?? false)]
    tabs.push(await openTab(context, url, each.framed ?? false))
    for (const tab of tabs)
      await tab.waitForFunction(() => window.fixture?.stream?.status.state === 'open', null, {
        timeout: PATIENCE,
      })
    // What a tab hears begins when its listener has reached the worker: an event now and then until it does.
    for (let n = 1; ; n++) {
      front.publish(n)
      const heard = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.fixture.heard.length)))
      if (heard.every((count) => count > 0)) break
      if (n > 500) throw new Error(`Events do not arrive: ${heard}.`)
      await tabs[0]!.page().waitForTimeout(20)
    }
    const { now } = front.counts()
    if (now !== 1) throw new Error(`${now} streams at the server.`)
    const host = await tabs[0]!.evaluate(() => window.fixture.stream.status.host)
    if (host !== 'shared-worker') throw new Error(`The hub runs in a ${host}.`)
    const shown = await tabs[0]!.evaluate(async () => {
      const { shadowRoot } = await window.fixture.stream.openInspector()
      return shadowRoot?.querySelector('.bar .state')?.textContent
    })
    if (shown !== 'open') throw new Error(`The inspector shows "${shown}".`)
    const more = await each.check?.(tabs, front)
    return ['2 tabs, 1 stream, shared worker, an inspector', ...(more ? [more] : [])].join('; ')
  } catch (error) {
    throw new Error([(error as Error).message.split('\n')[0], ...said].join(' | '))
  } finally {
    await context.close()
    await front.close()
    await close?.()
  }
}

const main = async () => {
  const wanted = process.argv.slice(2)
  const chosen = cases.filter(({ fixture }) => wanted.length === 0 || wanted.includes(fixture))
  const work = await mkdtemp(join(tmpdir(), 'tabstream-package-'))
  const rows: { name: string; ok: boolean; result: string }[] = []
  const browser = await chromium.launch(launchWith('chromium').launchOptions)
  try {
    await promisify(execFile)('npm', ['pack', '--pack-destination', work], { cwd: root })
    const tarball = join(work, (await readdir(work)).find((file) => file.endsWith('.tgz'))!)
    const installed = new Map<string, string | null>()
    for (const each of chosen) {
      const { fixture, name } = each
      let result: string
      let ok = true
      try {
        if (!installed.has(fixture)) {
          installed.set(fixture, null)
          await installFixture(
            fixture,
            folderOf(work, fixture),
            tarball,
            !['next', 'static'].includes(fixture),
          )
        }
        result = await tryCase(browser, work, each)
      } catch (error) {
        ok = false
        result = (error as Error).message
      }
      rows.push({ name, ok, result })
      console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(40)} ${result}`)
    }
  } finally {
    await browser.close()
    await rm(work, { recursive: true, force: true })
  }
  const failed = rows.filter(({ ok }) => !ok).length
  writeCounts('package', { passed: rows.length - failed, failed, skipped: 0 })
  console.log(`\n${rows.length - failed} passed, ${failed} failed`)
  process.exitCode = failed > 0 || rows.length === 0 ? 1 : 0
}

await main()
