import { parseArgs } from 'node:util'
import { type BrowserName, ensureBrowsers } from '../browsers.ts'
import { writeCounts } from '../counts.ts'
import type { Hosts } from '../faults/crew.ts'
import { run } from './run.ts'

/**
 * `npm run test:claims -- --events 10000 --tabs 8`: two claims handle each event, while tabs, workers and the browser are
 * killed. Needs a build and the test application.
 */

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000' },
    tabs: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    browser: { type: 'string' },
    /** Default: another one for each run. */
    hosts: { type: 'string' },
  },
})
const number = (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`Not a whole number above 0: ${text}`)
  return value
}

ensureBrowsers()
const kinds: Hosts[] = ['shared-worker', 'worker', 'mixed']
const browsers: BrowserName[] = ['chromium', 'firefox']
const failures: string[] = []
let runs = 0
for (const browser of values.browser === undefined ? browsers : [values.browser as BrowserName]) {
  const hosts = (values.hosts as Hosts | undefined) ?? kinds[runs % kinds.length]!
  const seed = number(values.seed) + runs
  runs++
  const name = `${browser}, ${hosts}, seed ${seed}`
  const started = Date.now()
  const { killed, atMostOnce, atLeastOnce, problems } = await run({
    seed,
    events: number(values.events),
    tabs: number(values.tabs),
    browser,
    hosts,
    onProgress: (line) => console.log(`  ${line}`),
  })
  const say = ({ handled, twice, lost }: typeof atMostOnce) =>
    `${handled} handled, ${twice} twice, ${lost} lost`
  console.log(
    `${name}: killed ${killed.tabs} tabs, ${killed.workers} workers, ${killed.browsers} browsers, cut ${killed.streams} ` +
      `streams; at most once ${say(atMostOnce)}; at least once ${say(atLeastOnce)}; ` +
      `${Math.round((Date.now() - started) / 1_000)} s`,
  )
  for (const problem of problems) console.log(`  FAILED ${problem}`)
  failures.push(...problems.map((problem) => `${name}: ${problem.slice(0, 2_000)}`))
}
const failed = failures.length > 0 ? 1 : 0
writeCounts('claims', { passed: runs - failed, failed, skipped: 0, failures })
// A browser that was driven over its own socket leaves handles behind that nothing here can close.
process.exit(failed)
