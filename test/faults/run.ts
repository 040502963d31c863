import { setTimeout as pause } from 'node:timers/promises'
import type { StartOptions } from '../browser/app/record.ts'
import { startBackend } from '../browser/backend.ts'
import { startFront } from '../browser/front.ts'
import { openTab } from '../browser/tab.ts'
import type { BrowserName } from '../browsers.ts'
import { createRandom } from '../random.ts'
import { within } from '../within.ts'
import { createCrew, type Hosts, type Member } from './crew.ts'
import { createDeck } from './deck.ts'
import { FAULTS, type Fault } from './faults.ts'
import { sum, type Verdict } from './oracle.ts'
import { startUser } from './user.ts'

export interface RunOptions {
  seed: number
  events: number
  faults: number
  tabs: number
  browser: BrowserName
  hosts: Hosts
  /** Without the faults that take long. */
  quick: boolean
  /** Names of the faults that it draws from. */
  only: RegExp
  /** Ends it after the fault at hand; what there was is judged. */
  signal: AbortSignal
  /** Every ten faults. */
  onProgress(faults: number): void
}

interface Recovery {
  fault: string
  /** The first and the last number published in it, and until all had caught up. */
  from: number
  to: number
  ms: number
  replaced: number
}

export interface RunReport {
  ok: boolean
  verdict: Verdict
  resets: number
  /** Streams of the user at the server at once, at most. */
  peak: number
  /** Streams that replaced one of the same browser: opened before the old one was closed. */
  replaced: number
  /** From a fault's end to every tab having what was published after it, in ms, by fault; streams replaced in it. */
  recoveries: Recovery[]
  problems: string[]
}

/** ms for the tabs to catch up after one fault: backoff and a hub's replacement included. */
const PATIENCE = 45_000
/** ms for one fault with all that belongs to it: a page that answers nothing any more would be waited for without end. */
const FAULT_LIMIT = 180_000
const LONG_FAULT_LIMIT = 1_200_000
/** ms for what the tabs say of themselves once something is wrong. */
const DESCRIBE_LIMIT = 10_000
/** Attempts in a row, beyond which the stream is given the 10 s of health that start the counter over. */
const MOST_ATTEMPTS = 4

/** One seed: faults at random moments among events, then quiet, then the oracle. */
export const run = async (options: RunOptions): Promise<RunReport> => {
  const { seed, browser, hosts, quick } = options
  const random = createRandom(seed)
  const backend = await startBackend({ pingInterval: 500, streamsPerUser: 2, retention: 2_500 })
  const front = await startFront(backend.port())
  backend.proxy.retarget(front.port)
  const user = await startUser(browser)
  const crew = createCrew(user, backend, hosts, options.tabs)
  const possible = FAULTS.filter(
    ({ name, not = [], hosts: kinds = [hosts], long = false }) =>
      !not.includes(browser) && kinds.includes(hosts) && !(quick && long) && options.only.test(name),
  )
  const deal = createDeck(possible, (seed - 1) * options.faults)
  /** Streams that outlived their hub, replaced at the server. */
  let orphaned = 0
  const recoveries: Recovery[] = []
  const problems: string[] = []
  const host = hosts === 'worker' ? 'worker' : 'shared-worker'
  const visit = (start: StartOptions) => openTab(user.context(), backend.url, { host, ...start })

  /** Whoever was told of lost history starts behind it, wherever that is: some event will be theirs. */
  const caughtUp = async (loses: boolean) => {
    if (!loses) return crew.caughtUp(await backend.publish(), PATIENCE)
    for (const start = Date.now(); ; ) {
      const caught = await crew.caughtUp(await backend.publish(), 1_000).catch(() => null)
      if (caught !== null) return Date.now() - start
      if (Date.now() - start > PATIENCE) throw new Error('nobody is back')
    }
  }

  const oneStream = async () => {
    if (backend.peak() > 1)
      throw new Error(`${backend.peak()} streams at once. ${await backend.streamHistory()}`)
  }

  const one = async (fault: Fault, each: number) => {
    const before = Math.floor(random() * each)
    await crew.caughtUp(await backend.publish(1 + before), PATIENCE)
    if (fault.loses) crew.excuse()
    const replaced = backend.replaced()
    const newest = () => backend.published().at(-1) ?? 0
    const from = newest() + 1
    const storageErrors = await crew.storageErrors()
    // What a hub that dies in memory mode leaves behind is as old as its last commit (D2): the server may have trimmed it.
    const outdated = fault.deadly === true && !(await crew.isDurable())
    if (outdated) crew.excuse()
    // While it happens, not only around it.
    const meanwhile = backend.publish(1 + Math.floor(each / 4))
    await Promise.all([fault.run({ backend, front, crew, user, random, host, visit, pause }), meanwhile])
    const ms = await caughtUp(fault.loses === true || fault.blocks === true || outdated)
    if (fault.blocks && (await crew.storageErrors()) > storageErrors) crew.excuse()
    if (fault.orphans) orphaned += backend.replaced() - replaced
    recoveries.push({
      fault: fault.name,
      from,
      to: newest(),
      ms,
      replaced: backend.replaced() - replaced,
    })
    await backend.publish(Math.max(1, each - before - Math.floor(each / 4)))
    await crew.fill(fault.loses ? 1 : 0)
    await oneStream()
    // Ten in a row within seconds, as no user has them, would end in waits of half a minute (S4).
    while ((await crew.attempts()) > MOST_ATTEMPTS) await pause(200)
  }

  const describeOne = async ({ tab, from }: Member) => {
    const { statuses, errors, events, resets, resetsAt } = await tab.record()
    const inspection = await tab.inspect({ timeline: 60 })
    return JSON.stringify({
      from,
      last: events.at(-1)?.n,
      resets: resets.map(({ reason }, at) => [reason, events[(resetsAt[at] ?? 0) - 1]?.n]),
      statuses: statuses.slice(-4),
      errors: errors.slice(-4),
      inspection,
    })
  }
  const describe = async () => {
    const states = crew.members.map((member) =>
      within(DESCRIBE_LIMIT, describeOne(member), `the tab (${member.host}) from ${member.from}`),
    )
    const settled = await Promise.allSettled(states)
    return settled
      .map((each) => (each.status === 'fulfilled' ? each.value : `a tab says nothing: ${each.reason}`))
      .join('\n')
  }

  try {
    await crew.fill()
    const each = Math.max(1, Math.floor(options.events / options.faults))
    for (let count = 1; count <= options.faults && !options.signal.aborted; count++) {
      const fault = deal(Date.now())
      const limit = fault.long === true ? LONG_FAULT_LIMIT : FAULT_LIMIT
      await within(limit, one(fault, each), 'its end').catch(async (error: Error) => {
        const lineage = recoveries.slice(-4).map((recovery) => recovery.fault)
        throw new Error(
          `fault ${count}, "${fault.name}", after ${lineage}: ${error.message}\n${await describe()}`,
        )
      })
      if (crew.problems.length > 0) break
      if (count % 10 === 0) options.onProgress(count)
    }
    const last = await backend.publish()
    await crew.caughtUp(last, PATIENCE)
    await crew.isAlive(PATIENCE)
    await crew.finish(last)
    await oneStream()
  } catch (error) {
    problems.push((error as Error).message)
  } finally {
    const overlaps = backend.replaced() - orphaned
    if (overlaps > 0) {
      const where = recoveries.filter((recovery) => recovery.replaced > 0).map((recovery) => recovery.fault)
      problems.push(`${overlaps} streams replaced one that was still open, in one of: ${where.join(', ')}`)
    }
    await within(DESCRIBE_LIMIT, user.close(), 'closing the browser').catch((error: Error) =>
      problems.push(error.message),
    )
    await backend.close()
    await front.close()
  }
  for (const { message, from, to } of crew.problems) {
    const during = recoveries.filter((recovery) => recovery.to >= from && recovery.from <= to)
    problems.push(`${message}; faults: ${during.map((each) => `${each.from} ${each.fault}`).join(', ')}`)
  }
  return {
    ok: problems.length === 0,
    verdict: sum(crew.verdicts),
    resets: crew.resets(),
    peak: backend.peak(),
    replaced: backend.replaced(),
    recoveries,
    problems,
  }
}
