import { startBackend } from '../browser/backend.ts'
import { range } from '../browser/tab.ts'
import { ensureWebKit } from '../browsers.ts'
import { writeCounts } from '../counts.ts'
import { core } from './core.ts'
import { startWebKit } from './driver.ts'
import { openTab } from './tab.ts'

/** `npm run test:webkit`: the core promises in WebKitGTK; needs a build and the test application. */

const only = process.argv[2] ?? ''
const counts = { passed: 0, failed: 0, skipped: 0 }

const programs = ensureWebKit()
if (programs === null) {
  console.log('WebKitGTK is not here, and apt-get as root could not bring it: nothing was tested in it.')
} else {
  const webkit = await startWebKit(programs)
  try {
    for (const [title, test] of Object.entries(core)) {
      if (!title.includes(only)) continue
      const started = Date.now()
      const backend = await startBackend()
      const session = await webkit.startSession()
      const open = async (options = {}) => {
        const tab = await openTab(session, backend.url, options)
        await tab.untilOpen()
        return tab
      }
      const openTabs = async (count: number) => {
        const tabs = []
        for (const _ of range(1, count)) tabs.push(await open())
        return tabs
      }
      try {
        await test({ backend, open, openTabs })
        counts.passed++
        console.log(`  ok   ${title} (${Date.now() - started} ms)`)
      } catch (error) {
        counts.failed++
        console.log(`  FAIL ${title}\n${(error as Error).stack}`)
      }
      await session.close().catch(() => {})
      await backend.close()
    }
  } finally {
    // The browser that the driver has started ends with it.
    await webkit.close()
  }
  console.log(`\n${counts.passed} passed, ${counts.failed} failed`)
}
writeCounts('webkit', counts)
process.exitCode = counts.failed > 0 ? 1 : 0
