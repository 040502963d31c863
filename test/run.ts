import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureBrowsers } from './browsers.ts'
import { type Counts, readCounts } from './counts.ts'
import { type Outcome, openLane, type Run } from './lane.ts'
import { ensurePrograms, serverPrograms } from './programs.ts'
import { readPlaywright, readVitest } from './reports.ts'

/**
 * `npm test`: everything. What mostly waits runs in a lane of its own, beside the browser tests. Arguments go to
 * Playwright: `npm test -- --project chromium`. The last line is plain on purpose: CI systems read it where they don't
 * know a runner's own summary.
 */

const results = fileURLToPath(new URL('./results/', import.meta.url))
const total: Counts = { passed: 0, failed: 0, skipped: 0 }
const summary: string[] = []
const failures: string[] = []

const report = ({ title, counted, counts, seconds }: Outcome) => {
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key]
  const detail = counted ? `: ${counts.passed} passed, ${counts.failed} failed` : ''
  for (const failure of counts.failures ?? []) failures.push(`${title}: ${failure}`)
  summary.push(
    `${(counts.failed > 0 ? 'FAILED' : 'ok').padEnd(6)} ${title}${detail} (${seconds.toFixed(0)} s)`,
  )
}
const live = openLane('live', report)
const beside = openLane('whole', report)

// What an earlier run left behind must not be taken for this run's result.
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })

const faults = ['--no-install', 'tsx', 'test/faults/main.ts', '--quick', '--faults', '16', '--events', '2000']
const tsx = (file: string, counted: string) => ({
  work: (run: Run) => run('npx', '--no-install', 'tsx', file),
  read: readCounts(counted),
})

const browsers = await live({
  title: 'Browsers',
  work() {
    ensureBrowsers()
    return true
  },
})
const programs = await live({
  title: 'Programs of the server tests',
  work() {
    ensurePrograms(serverPrograms)
    return true
  },
})
const built = await live({ title: 'Build', work: (run) => run('npm', 'run', 'build') })
const app =
  built &&
  (await live({
    title: 'Test application',
    work: (run) => run('npx', 'vite', 'build', '--mode', 'test-app'),
  })) &&
  (await live({ title: 'Demo page', work: (run) => run('npx', 'vite', 'build', '--mode', 'demo') }))

// Alone: some of these tests measure how soon a server answers under attack.
await live({
  title: 'Unit and server tests',
  work: (run) =>
    run(
      'npx',
      ...['--no-install', 'vitest', 'run', '--reporter=default', '--reporter=json'],
      `--outputFile.json=${results}vitest.json`,
    ),
  read: () => readVitest(`${results}vitest.json`),
})

const inBrowsers = async () => {
  if (!browsers || !app) {
    summary.push('-      Browser tests: not run, because an earlier step failed')
    return
  }
  await live({
    title: 'Browser tests',
    work: (run) =>
      run(
        'npx',
        ...['--no-install', 'playwright', 'test', '-c', 'test/playwright.config.ts'],
        ...process.argv.slice(2),
      ),
    read: () => readPlaywright(`${results}playwright.json`),
  })
}

const besideBrowsers = async () => {
  if (programs) await beside({ title: 'Cluster', ...tsx('test/cluster/main.ts', 'cluster') })
  if (browsers && programs)
    await beside({ title: 'Independent clients', ...tsx('test/clients/main.ts', 'clients') })
  if (!browsers || !app) return
  await beside({
    title: 'Faults in Chromium',
    work: (run) => run('npx', ...faults, '--seeds', '3', '--parallel', '3'),
    read: readCounts('faults'),
  })
  await beside({
    title: 'Faults in Firefox',
    work: (run) => run('npx', ...faults, '--seeds', '2', '--parallel', '2', '--browser', 'firefox'),
    read: readCounts('faults'),
  })
  await beside({ title: 'Servers of others', ...tsx('test/interop/main.ts', 'interop') })
  await beside({
    title: 'Applications built from the tarball',
    ...tsx('test/package/main.ts', 'package'),
  })
  await beside({ title: 'WebKitGTK', ...tsx('test/webkit/main.ts', 'webkit') })
}

await Promise.all([inBrowsers(), besideBrowsers()])

const { passed, failed, skipped } = total
console.log(`\n=== Summary\n\n${summary.join('\n')}\n`)
// Once more, where a log that is kept only from its end still has them.
for (const failure of failures) console.log(`${failure}\n`)
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0
