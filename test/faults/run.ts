import { chromium, firefox } from 'playwright'
import { startBackend } from '../browser/backend.ts'
import { type BrowserName, launchWith } from '../browsers.ts'
import { createRandom, pick } from '../random.ts'
import { createCrew, type Hosts } from './crew.ts'
import { FAULTS } from './faults.ts'
import { isClean, judge, sum, type Verdict } from './oracle.ts'

export interface RunOptions {
  seed: number
  events: number
  faults: number
  tabs: number
  browser: BrowserName
  hosts: Hosts
}

export interface RunReport {
  ok: boolean
  verdict: Verdict
  resets: string[]
  /** Streams of the user at the server at once, at most. */
  peak: number
  /** From a fault's end to every tab having what was published after it, in ms, by fault. */
  recoveries: { fault: string; ms: number }[]
  problems: string[]
}

/** ms for the tabs to catch up after one fault: backoff and a hub's replacement included. */
const PATIENCE = 45_000

/** One seed: faults at random moments among events, then quiet, then the oracle. */
export const run = async (options: RunOptions): Promise<RunReport> => {
  const random = createRandom(options.seed)
  // A black hole is noticed within 2 s here, so that a run has time for many.
  const backend = await startBackend({ pingInterval: 500, streamsPerUser: 2 })
  const { launchOptions, channel } = launchWith(options.browser)
  const engine = options.browser === 'chromium' ? chromium : firefox
  const browser = await engine.launch({ ...launchOptions, ...(channel === undefined ? {} : { channel }) })
  const context = await browser.newContext()
  const crew = createCrew(context, backend, options.hosts)
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  const possible = FAULTS.filter(
    ({ not = [], needs }) =>
      !not.includes(options.browser) && (needs === undefined || options.hosts === 'worker'),
  )
  const recoveries: RunReport['recoveries'] = []
  const problems: string[] = []
  const verdicts: Verdict[] = []
  const resets: string[] = []

  try {
    for (let tab = 0; tab < options.tabs; tab++) await crew.open()
    const each = Math.max(1, Math.floor(options.events / options.faults))
    for (let count = 0; count < options.faults; count++) {
      const fault = pick(random, possible)
      const before = Math.floor(random() * each)
      await backend.publish(1 + before)
      // While it happens, not only around it.
      const meanwhile = backend.publish(1 + Math.floor(each / 4)).catch(() => {})
      await fault.run({ backend, crew, random, pause })
      await meanwhile
      const last = await backend.publish(Math.max(1, each - before - Math.floor(each / 4)))
      try {
        recoveries.push({ fault: fault.name, ms: await crew.caughtUp(last, PATIENCE) })
      } catch {
        const states = await Promise.all(crew.members.map(async ({ tab }) => (await tab.status()).state))
        problems.push(
          `fault ${count + 1}, "${fault.name}": not caught up after ${PATIENCE} ms (${states.join()})`,
        )
        break
      }
    }
    const to = backend.published().at(-1) ?? 0
    for (const { tab, from } of crew.members) {
      const verdict = judge(await tab.numbers(), from, to)
      verdicts.push(verdict)
      if (!isClean(verdict)) problems.push(`a tab from ${from} to ${to}: ${JSON.stringify(verdict)}`)
      resets.push(...(await tab.record()).resets.map(({ reason }) => reason))
    }
    // None of these faults loses history at the server, so no reset is justified.
    if (resets.length > 0) problems.push(`unjustified resets: ${resets.join()}`)
    if (backend.peak() > 1) problems.push(`${backend.peak()} streams at once`)
  } finally {
    await browser.close()
    await backend.close()
  }
  const verdict = sum(verdicts)
  return { ok: problems.length === 0, verdict, resets, peak: backend.peak(), recoveries, problems }
}
