import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureBrowsers } from './browsers.ts'
import { type Counts, readCounts } from './counts.ts'
import { ensurePrograms, serverPrograms } from './programs.ts'
import { readPlaywright, readVitest } from './reports.ts'

/**
 * `npm test`: everything, in order, live. Arguments go to Playwright: `npm test -- --project chromium`.
 * The last line is plain on purpose: CI systems read it where they don't know a runner's own summary.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
const results = fileURLToPath(new URL('./results/', import.meta.url))
const total: Counts = { passed: 0, failed: 0, skipped: 0 }
const summary: string[] = []
const failures: string[] = []

const run = (command: string, args: string[]): Promise<boolean> =>
  new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', (error) => {
      console.log(`${command} does not start: ${error.message}`)
      done(false)
    })
    child.on('exit', (code) => done(code === 0))
  })

/** Runs one step under its heading. One that ends badly counts at least one failure, whatever its report says. */
const step = async (title: string, work: () => Promise<boolean> | boolean, read?: () => Counts) => {
  console.log(`\n=== ${title}\n`)
  const started = Date.now()
  let ok = false
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  try {
    ok = await work()
    if (read) counts = read()
  } catch (error) {
    ok = false
    console.log(error instanceof Error ? error.message : error)
  }
  if (!ok) counts.failed = Math.max(1, counts.failed)
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key]
  const outcome = counts.failed > 0 ? 'FAILED' : 'ok'
  const detail = read ? `: ${counts.passed} passed, ${counts.failed} failed` : ''
  for (const failure of counts.failures ?? []) failures.push(`${title}: ${failure}`)
  summary.push(`${outcome.padEnd(6)} ${title}${detail} (${((Date.now() - started) / 1000).toFixed(0)} s)`)
  return counts.failed === 0
}

// What an earlier run left behind must not be taken for this run's result.
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })

const vitest = ['--no-install', 'vitest', 'run', '--reporter=default', '--reporter=json']
const playwright = ['--no-install', 'playwright', 'test', '-c', 'test/playwright.config.ts']

const topics = ['--no-install', 'tsx', 'test/topics/main.ts', '--changes', '120', '--faults', '8']
const faults = ['--no-install', 'tsx', 'test/faults/main.ts', '--quick', '--faults', '16', '--events', '2000']

const browsers = await step('Browsers', () => {
  ensureBrowsers()
  return true
})
const programs = await step('Programs of the server tests', () => {
  ensurePrograms(serverPrograms)
  return true
})
const built = await step('Build', () => run('npm', ['run', 'build']))
const app =
  built &&
  (await step('Test application', () => run('npx', ['vite', 'build', '--mode', 'test-app']))) &&
  (await step('Demo page', () => run('npx', ['vite', 'build', '--mode', 'demo'])))
await step(
  'Unit and server tests',
  () => run('npx', [...vitest, `--outputFile.json=${results}vitest.json`]),
  () => readVitest(`${results}vitest.json`),
)
if (programs)
  await step(
    'Cluster',
    () => run('npx', ['--no-install', 'tsx', 'test/cluster/main.ts']),
    readCounts('cluster'),
  )
if (browsers && programs)
  await step(
    'Independent clients',
    () => run('npx', ['--no-install', 'tsx', 'test/clients/main.ts']),
    readCounts('clients'),
  )
if (browsers && app) {
  await step(
    'Applications built from the tarball',
    () => run('npx', ['--no-install', 'tsx', 'test/package/main.ts']),
    readCounts('package'),
  )
  await step(
    'Servers of others',
    () => run('npx', ['--no-install', 'tsx', 'test/interop/main.ts']),
    readCounts('interop'),
  )
  await step(
    'Browser tests',
    () => run('npx', [...playwright, ...process.argv.slice(2)]),
    () => readPlaywright(`${results}playwright.json`),
  )
  await step(
    'Faults in Chromium',
    () => run('npx', [...faults, '--seeds', '3', '--parallel', '3']),
    readCounts('faults'),
  )
  await step(
    'Faults in Firefox',
    () => run('npx', [...faults, '--seeds', '2', '--parallel', '2', '--browser', 'firefox']),
    readCounts('faults'),
  )
  // Both browsers, by PUT and by reopening. `npm run test:topics` alone has the full size.
  await step('Topics under faults', () => run('npx', topics), readCounts('topics'))
  await step(
    'WebKitGTK',
    () => run('npx', ['--no-install', 'tsx', 'test/webkit/main.ts']),
    readCounts('webkit'),
  )
} else {
  summary.push('-      Browser tests: not run, because an earlier step failed')
}

const { passed, failed, skipped } = total
console.log(`\n=== Summary\n\n${summary.join('\n')}\n`)
// Once more, where a log that is kept only from its end still has them.
for (const failure of failures) console.log(`${failure}\n`)
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0
