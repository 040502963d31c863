import { parseArgs } from 'node:util'
import { type BrowserName, ensureBrowsers } from '../browsers.ts'
import { writeCounts } from '../counts.ts'
import type { Hosts } from './crew.ts'
import { sum } from './oracle.ts'
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
    /** A regular expression: only the faults whose names it matches. */
    only: { type: 'string', default: '' },
    /** Without what takes over 10 s, for `npm test`. */
    quick: { type: 'boolean', default: false },
    /** Seeds at once: most of a run is waiting. */
    parallel: { type: 'string', default: '1' },
  },
})
const percentile = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
const number = (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`Not a whole number above 0: ${text}`)
  return value
}

/** The first signal ends the runs after the fault at hand, and they are judged; the next one ends it all. */
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(1)
    console.log('ends after the faults at hand')
    stop.abort()
  })
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
  quick: values.quick,
  only: new RegExp(values.only),
}
const reports: RunReport[] = []
/** A run that could not even begin or end counts as one that failed: the others go on, and the command is printed. */
const broken = (error: Error): RunReport => ({
  ok: false,
  verdict: sum([]),
  resets: 0,
  peak: 0,
  replaced: 0,
  recoveries: [],
  problems: [error.stack ?? error.message],
})
/** For `npm test`, which adds up what each of its steps counted. */
const runSeed = async (seed: number) => {
  const hosts = (values.hosts as Hosts | undefined) ?? kinds[(seed - 1) % kinds.length]!
  const started = Date.now()
  const report = await run({
    ...common,
    seed,
    hosts,
    signal: stop.signal,
    onProgress: (faults) => console.log(`seed ${seed}: ${faults} of ${common.faults} faults`),
  }).catch((error: Error) => broken(error))
  reports.push(report)
  const { delivered, lost, duplicated, reordered } = report.verdict
  const sorted = report.recoveries.map(({ ms }) => ms).sort((a, b) => a - b)
  console.log(
    `seed ${seed} (${common.browser}, ${hosts}): ${delivered} delivered, ${lost} lost, ${duplicated} duplicated, ` +
      `${reordered} reordered, ${report.resets} resets, at most ${report.peak} stream, ` +
      `${report.replaced} replaced; ${report.recoveries.length} faults, ` +
      `recovery p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms; ` +
      `${Math.round((Date.now() - started) / 1_000)} s`,
  )
  for (const problem of report.problems) console.log(`  FAILED ${problem}`)
  if (!report.ok) {
    const { events, faults, tabs, browser } = common
    console.log(
      `  again: npm run test:faults -- --seed ${seed} --events ${events} --faults ${faults} --tabs ${tabs} ` +
        `--browser ${browser} --hosts ${hosts}${common.quick ? ' --quick' : ''}` +
        (values.only === '' ? '' : ` --only '${values.only}'`),
    )
  }
}

const left = [...seeds]
const runAll = async () => {
  for (let seed = left.shift(); seed !== undefined && !stop.signal.aborted; seed = left.shift())
    await runSeed(seed)
}
await Promise.all(Array.from({ length: number(values.parallel) }, runAll))

console.log('\nby fault: count, recovery p50 and p99 in ms, streams replaced')
const all = reports.flatMap(({ recoveries }) => recoveries)
for (const name of [...new Set(all.map(({ fault }) => fault))].sort()) {
  const sorted = all
    .filter(({ fault }) => fault === name)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b)
  const replaced = all.reduce((sum, each) => sum + (each.fault === name ? each.replaced : 0), 0)
  const figures = [sorted.length, percentile(sorted, 0.5), percentile(sorted, 0.99), replaced]
  console.log(name.padEnd(58) + figures.map((figure) => String(figure).padStart(7)).join(''))
}
const failed = reports.filter(({ ok }) => !ok).length
console.log(`\n${reports.length - failed} passed, ${failed} failed`)
const failures = reports.flatMap(({ problems }) => problems.map((problem) => problem.slice(0, 1_000)))
writeCounts('faults', { passed: reports.length - failed, failed, skipped: 0, failures })
// A browser that was driven over its own socket leaves handles behind that nothing here can close.
process.exit(failed > 0 ? 1 : 0)
