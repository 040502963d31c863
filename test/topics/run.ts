import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startOddServer } from '../browser/odd-server.ts'
import { startProxy } from '../browser/proxy.ts'
import type { BrowserName } from '../browsers.ts'
import type { Hosts } from '../faults/crew.ts'
import { createDeck } from '../faults/deck.ts'
import { sum, type Verdict } from '../faults/oracle.ts'
import { startUser } from '../faults/user.ts'
import { createRandom, pick } from '../random.ts'
import { within } from '../within.ts'
import { createCrew } from './crew.ts'
import { FAULTS, type Fault, type Scene } from './faults.ts'
import { createTopicServer } from './topic-server.ts'

export interface RunOptions {
  seed: number
  /** Joins and leaves. */
  changes: number
  faults: number
  tabs: number
  topics: number
  by: 'put' | 'reopen'
  browser: BrowserName
  hosts: Hosts
  /** Names of the faults that it draws from. */
  only: RegExp
  onProgress(line: string): void
}

export interface RunReport {
  verdict: Verdict
  joins: number
  leaves: number
  resets: number
  peak: number
  replaced: number
  opened: number
  puts: number
  faults: string[]
  problems: string[]
}

const appDir = fileURLToPath(new URL('../browser/app/dist', import.meta.url))
/** ms for one fault. */
const FAULT_LIMIT = 60_000
/** Attempts in a row, beyond which the stream is given the 10 s of health that start the counter over. */
const MOST_ATTEMPTS = 4
/** ms for which a topic that nobody wants is kept: short, so that the set changes all the time. */
const GRACE = 200

/** One seed: joins, leaves and faults at random moments among events, then quiet, then the oracle. */
export const run = async (options: RunOptions): Promise<RunReport> => {
  const { by, changes, browser, hosts } = options
  const random = createRandom(options.seed)
  const server = createTopicServer({ puts: by === 'put' })
  const odd = await startOddServer(appDir, server.answers)
  const proxy = await startProxy({ target: odd.port })
  const user = await startUser(browser)
  const topics = { grace: GRACE, change: by === 'put' ? 'auto' : 'reopen' }
  const crew = createCrew({
    context: user.context(),
    url: proxy.url,
    server,
    hosts,
    topics,
    size: options.tabs,
  })
  const names = Array.from({ length: options.topics }, (_, at) => `topic/${at}`)
  const scene: Scene = { server, proxy, crew, topics: names, random, pause }
  const possible = FAULTS.filter((fault) => (fault.by ?? by) === by && options.only.test(fault.name))
  const deal = createDeck(possible, (options.seed - 1) * options.faults)
  const dealt: string[] = []
  const problems: string[] = []
  /** Faults that may leave a stream at the server that nobody can close: its successor replaces it there (R6). */
  let orphans = 0

  const one = async (fault: Fault) => {
    dealt.push(fault.name)
    const topic = pick(random, names)
    if (fault.loses !== undefined) crew.excuse(fault.loses === 'all' ? names : [topic])
    if (fault.orphans) orphans++
    if (fault.parts) crew.part()
    await within(FAULT_LIMIT, fault.run(scene, topic), `the end of "${fault.name}"`)
    while ((await crew.attempts()) > MOST_ATTEMPTS) await pause(200)
  }

  const publisher = setInterval(() => {
    for (let left = Math.floor(random() * 4); left > 0; left--) server.publish(pick(random, names))
    if (random() < 0.2) server.publish(null)
  }, 25)
  try {
    await crew.fill()
    let failure: unknown = null
    let fault: Promise<unknown> = Promise.resolve()
    let isFaulty = false
    for (let done = 0; done < changes && failure === null; ) {
      const burst = Math.min(changes - done, 1 + Math.floor(random() * 6))
      for (let each = 0; each < burst; each++) await crew.change(random, names)
      done += burst
      if (!isFaulty && dealt.length < (options.faults * done) / changes) {
        isFaulty = true
        fault = one(deal(Date.now()))
          .catch((error) => {
            failure = error
          })
          .finally(() => {
            isFaulty = false
          })
      }
      // Faults that take longer than their share of the changes hold the changes up.
      const isAhead = dealt.length + 1 < (options.faults * done) / changes
      if (isAhead) await fault
      else await pause(random() * 150)
      if (Math.floor(done / 100) > Math.floor((done - burst) / 100))
        options.onProgress(`${done} of ${changes} changes, ${dealt.length} faults`)
    }
    await fault
    if (failure !== null) throw failure
    clearInterval(publisher)
    await crew.finish()
  } catch (error) {
    problems.push(`after ${dealt.slice(-3).join(', ')}: ${(error as Error).message}`)
  } finally {
    clearInterval(publisher)
    await within(10_000, user.close(), 'closing the browser').catch((error: Error) =>
      problems.push(error.message),
    )
    await proxy.close()
    await odd.close()
    server.close()
  }
  const { peak, replaced, opened, puts } = server.seen
  if (peak > 1) problems.push(`${peak} streams at once`)
  if (replaced > orphans) problems.push(`${replaced} streams replaced one that was still open`)
  if (problems.length === 0 && crew.verdicts.every(({ delivered }) => delivered === 0))
    problems.push('nothing was delivered')
  return {
    verdict: sum(crew.verdicts),
    ...crew.changes(),
    resets: crew.verdicts.reduce((count, { resets }) => count + resets.length, 0),
    peak,
    replaced,
    opened,
    puts: puts.filter(({ status }) => status === 202).length,
    faults: dealt,
    problems: [...problems, ...crew.verdicts.flatMap(({ problems }) => problems)],
  }
}
