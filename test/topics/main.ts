import { parseArgs } from 'node:util'
import { type BrowserName, ensureBrowsers } from '../browsers.ts'
import { writeCounts } from '../counts.ts'
import type { Hosts } from '../faults/crew.ts'
import { run } from './run.ts'

/**
 * `npm run test:topics -- --changes 1000 --faults 60`: tabs that join and leave topics while everything around them goes
 * wrong. Needs a build and the test application.
 */

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '1000' },
    faults: { type: 'string', default: '60' },
    tabs: { type: 'string', default: '8' },
    topics: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    /** Default: each. */
    by: { type: 'string' },
    browser: { type: 'string' },
    /** Default: another one for each run. */
    hosts: { type: 'string' },
    /** A regular expression: only the faults whose names it matches. */
    only: { type: 'string', default: '' },
  },
})
const number = (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new Error(`Not a whole number: ${text}`)
  return value
}
const each = <T extends string>(given: string | undefined, all: readonly T[]): readonly T[] =>
  given === undefined ? all : all.filter((one) => one === given)

ensureBrowsers()
const kinds: Hosts[] = ['shared-worker', 'mixed', 'worker']
const failures: string[] = []
let [runs, failed] = [0, 0]
for (const browser of each<BrowserName>(values.browser, ['chromium', 'firefox']))
  for (const by of each(values.by, ['put', 'reopen'] as const)) {
    const hosts = (values.hosts as Hosts | undefined) ?? kinds[runs % kinds.length]!
    const seed = number(values.seed) + runs
    runs++
    const name = `${browser}, by ${by}, ${hosts}, seed ${seed}`
    const started = Date.now()
    const report = await run({
      seed,
      changes: number(values.changes),
      faults: number(values.faults),
      tabs: number(values.tabs),
      topics: number(values.topics),
      by,
      browser,
      hosts,
      only: new RegExp(values.only),
      onProgress: (line) => console.log(`  ${line}`),
    })
    const { delivered, lost, duplicated, reordered } = report.verdict
    console.log(
      `${name}: ${report.joins} joins, ${report.leaves} leaves, ${report.faults.length} faults; ${delivered} delivered, ` +
        `${lost} lost, ${duplicated} duplicated, ${reordered} reordered, ${report.resets} resets; at most ` +
        `${report.peak} stream, ${report.replaced} replaced, ${report.opened} opened, ${report.puts} PUTs; ` +
        `${Math.round((Date.now() - started) / 1_000)} s`,
    )
    for (const problem of report.problems) console.log(`  FAILED ${problem}`)
    if (report.problems.length === 0) continue
    failed++
    failures.push(...report.problems.map((problem) => `${name}: ${problem.slice(0, 1_000)}`))
    console.log(`  faults: ${report.faults.join(', ')}`)
    console.log(
      `  again: npm run test:topics -- --seed ${seed} --changes ${values.changes} --faults ${values.faults} ` +
        `--by ${by} --browser ${browser} --hosts ${hosts}`,
    )
  }
console.log(`\n${runs - failed} passed, ${failed} failed`)
writeCounts('topics', { passed: runs - failed, failed, skipped: 0, failures })
// A browser that was driven over its own socket leaves handles behind that nothing here can close.
process.exit(failed > 0 ? 1 : 0)
