import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type BrowserName, ensureBrowsers } from '../browsers.ts'
import type { Hosts } from './crew.ts'
import { type RunReport, run } from './run.ts'

/** `npm run test:faults -- --seeds 10 --events 100000 --faults 200 --tabs 4`; needs a build and the test application. */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    seed: { type: 'string' },
    events: { type: 'string', default: '5000' },
    faults: { type: 'string', default: '12' },
    tabs: { type: 'string', default: '4' },
    browser: { type: 'string', default: 'chromium' },
    hosts: { type: 'string' },
  },
})
const percentile = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
const number = (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`Not a whole number above 0: ${text}`)
  return value
}

ensureBrowsers()
const kinds: Hosts[] = ['shared-worker', 'worker', 'mixed']
const first = number(values.seed ?? '1')
const seeds = Array.from(
  { length: values.seed === undefined ? number(values.seeds) : 1 },
  (_, at) => first + at,
)
const common = {
  events: number(values.events),
  faults: number(values.faults),
  tabs: number(values.tabs),
  browser: values.browser as BrowserName,
}
const reports: RunReport[] = []
/** For `npm test`, which adds up what each of its steps counted. */
const results = new URL('../results/', import.meta.url)

for (const seed of seeds) {
  const hosts = (values.hosts as Hosts | undefined) ?? kinds[(seed - 1) % kinds.length]!
  const started = Date.now()
  const report = await run({ ...common, seed, hosts })
  reports.push(report)
  const { delivered, lost, duplicated, reordered } = report.verdict
  const sorted = report.recoveries.map(({ ms }) => ms).sort((a, b) => a - b)
  console.log(
    `seed ${seed} (${common.browser}, ${hosts}): ${delivered} delivered, ${lost} lost, ${duplicated} duplicated, ` +
      `${reordered} reordered, ${report.resets.length} resets, at most ${report.peak} stream; ` +
      `recovery p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms; ` +
      `${Math.round((Date.now() - started) / 1_000)} s`,
  )
  for (const problem of report.problems) console.log(`  FAILED ${problem}`)
  if (!report.ok) {
    const { events, faults, tabs, browser } = common
    console.log(
      `  again: npm run test:faults -- --seed ${seed} --events ${events} --faults ${faults} --tabs ${tabs} ` +
        `--browser ${browser} --hosts ${hosts}`,
    )
  }
}

console.log('\nby fault: count, recovery p50 and p99 in ms')
const all = reports.flatMap(({ recoveries }) => recoveries)
for (const name of [...new Set(all.map(({ fault }) => fault))].sort()) {
  const sorted = all
    .filter(({ fault }) => fault === name)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b)
  console.log(
    `${name.padEnd(36)} ${String(sorted.length).padStart(4)} ${percentile(sorted, 0.5)} ${percentile(sorted, 0.99)}`,
  )
}
const failed = reports.filter(({ ok }) => !ok).length
console.log(`\n${reports.length - failed} passed, ${failed} failed`)
mkdirSync(results, { recursive: true })
writeFileSync(
  new URL('faults.json', results),
  JSON.stringify({ passed: reports.length - failed, failed, skipped: 0 }),
)
process.exitCode = failed > 0 ? 1 : 0
