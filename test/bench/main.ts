import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureBrowsers } from '../browsers.ts'
import { median } from '../statistics.ts'
import { buildPages } from './build-pages.ts'
import { startChromium } from './chromium.ts'
import { startFirefox } from './firefox.ts'
import { type Goal, judge } from './goals.ts'
import { JOBS, latencies, type Sample, SLOW, VARIANTS } from './jobs.ts'
import { soak } from './measures/soak.ts'
import { plots } from './plots.ts'
import { startServer } from './start-server.ts'

/**
 * `npm run bench`: all variants, interleaved, so that a machine that slows down slows all of them. Options:
 * `--browser firefox`, `--rounds 5`, `--soak 1000000` (events; 0: none), `--only <part of a job's name>`, `--goals` (only what
 * SPEC.md's goals are judged by: no curve, and none of the variants that are far behind).
 */
const { values } = parseArgs({
  options: {
    browser: { type: 'string', default: 'chromium' },
    rounds: { type: 'string', default: '5' },
    soak: { type: 'string', default: '1000000' },
    only: { type: 'string', default: '' },
    goals: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

ensureBrowsers()
console.log('Building the pages ...')
buildPages()

const server = await startServer()
const start = () => (values.browser === 'firefox' ? startFirefox(server.pid) : startChromium())

const samples = new Map<string, Sample[]>()
const failures: string[] = []
const isBehind = (name: string) => SLOW.has(name.slice(name.indexOf(': ') + 2))
const jobs = JOBS.filter(
  ({ name, once }) => name.includes(values.only) && !(values.goals && (once || isBehind(name))),
)
for (let round = 1; round <= rounds; round++) {
  for (const job of jobs) {
    if (job.once && round > 1) continue
    const browser = await start()
    try {
      const sample = await job.run({ browser, server })
      samples.set(job.name, [...(samples.get(job.name) ?? []), sample])
      const shown = Object.entries(sample).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
      console.log(`${round}/${rounds}  ${job.name.padEnd(44)} ${shown.join(', ')}`)
    } catch (error) {
      failures.push(`${job.name}: ${(error as Error).message}`)
      console.log(`${round}/${rounds}  ${job.name.padEnd(44)} FAILED: ${(error as Error).message}`)
    } finally {
      await browser.close()
    }
  }
}

let heaps: Awaited<ReturnType<typeof soak>> | null = null
if (Number(values.soak) > 0 && values.only === '') {
  const browser = await start()
  try {
    heaps = await soak({ browser, server }, Number(values.soak), (done) => {
      if (done % 200_000 === 0) console.log(`soak: ${done} events`)
    })
  } catch (error) {
    failures.push(`soak: ${(error as Error).message}`)
  } finally {
    await browser.close()
  }
}
server.close()

const of = (job: string, measure: string): number =>
  median((samples.get(job) ?? []).map((sample) => sample[measure]).filter((value) => value !== undefined))
const goals = judge(of, heaps)

const ratios = VARIANTS.flatMap((variant) => {
  const name = (load: string) => `${load}: ${variant}`
  const against = (load: string, measure: string) =>
    of(`${load}: tabstream`, measure) / of(name(load), measure)
  const row = {
    variant,
    'flood, 6 tabs': against('flood 150 B, 6 tabs', 'rate'),
    'flood, 20 tabs': against('flood 150 B, 20 tabs', 'rate'),
    'CPU at 1,000/s': against('1000/s, 6 tabs', 'cpu'),
    'server bytes': against('1000/s, 6 tabs', 'serverBytes'),
    'p50 ms': of(name('1000/s, 6 tabs'), 'p50'),
    'p99 ms': of(name('1000/s, 6 tabs'), 'p99'),
  }
  return [row]
})
const round = (value: number) => Number(value.toPrecision(3))
console.log(
  `\ntabstream's figures as a multiple of each variant's (medians of ${rounds}), and each one's latency`,
)
console.table(
  ratios.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value]),
    ),
  ),
)
const line = ({ id, what, goal, reached, unit, met }: Goal) => {
  const verdict = Number.isNaN(reached) ? '-' : met ? 'met' : 'NOT MET'
  return `${id}  ${what.padEnd(40)} ${String(round(reached)).padStart(8)} ${unit.padEnd(3)} ${goal.padEnd(18)} ${verdict}`
}
console.log(`\n${goals.map(line).join('\n')}\n`)
for (const failure of failures) console.log(`FAILED ${failure}`)

if (values.only === '') {
  const results = {
    at: new Date().toISOString(),
    browser: values.browser,
    rounds,
    cpus: cpus().length,
    goals,
    ratios,
    samples: Object.fromEntries(samples),
    failures,
  }
  writeFileSync(here('./results.json'), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(here('./results.html'), plots(of, latencies))
  console.log(`Samples in ${here('./results.json')}, plots in ${here('./results.html')}.`)
}
process.exit(failures.length > 0 ? 1 : 0)
