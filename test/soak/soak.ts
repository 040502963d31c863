import { setTimeout as pause } from 'node:timers/promises'
import { connectionFigures, connectionRows } from './connection-metrics.ts'
import { createCuts } from './cuts.ts'
import { deliveryRow, judgeDelivery } from './delivery.ts'
import { createHubRecords } from './hub-records.ts'
import { createMemoryWatch } from './memory-watch.ts'
import { createPublisher } from './publisher.ts'
import { createStreamAnswers } from './stream-answers.ts'
import type { Row } from './table.ts'
import { watchedMemory } from './watched-memory.ts'
import { LOG_EVENTS, RETENTION, USERS, type World } from './world.ts'

export interface SoakOptions {
  /** ms */
  duration: number
  print(line: string): void
}

/** Events a second, for each user. */
const RATE = 5
/** Samples that a run takes at least. */
const SAMPLES = 40
/** ms between two samples, at most: the server's log of requests must not run over. */
const SAMPLE_EVERY = 15_000
/** ms between two lines of progress. */
const PROGRESS_EVERY = 30_000
/** ms between two looks at the clock. */
const TICK = 100
/** ms for every tab to have what was published last. */
const PATIENCE = 60_000

const time = (ms: number) => {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Publishes, cuts and samples for so long, then judges. @returns the success metrics */
export const soak = async ({ node, proxy, seats }: World, options: SoakOptions): Promise<Row[]> => {
  const { duration, print } = options
  const publisher = createPublisher(node.opsUrl, USERS)
  const answers = createStreamAnswers(node.opsUrl)
  const hubs = createHubRecords()
  const memory = createMemoryWatch(watchedMemory(node, seats))

  // Logs that still fill up would look like a leak. A part at a time: no tab may fall behind its hub's log.
  while (publisher.published() < RETENTION) {
    await publisher.publish(LOG_EVENTS / 2)
    for (const seat of seats) await seat.heard(publisher.published(), PATIENCE)
  }
  const start = Date.now()
  const cuts = createCuts(proxy, start)
  publisher.start(RATE)

  const look = async () => {
    await answers.read()
    for (const { tabs } of seats) await hubs.look(tabs[0]!)
  }
  const progress = () => {
    const { attempted, failed, failedByCuts, reconnections } = connectionFigures(hubs.all(), cuts.made())
    print(
      `${time(Date.now() - start)} of ${time(duration)}: events for each user: ${publisher.published()}; ` +
        `cuts: ${cuts.made().length}; reconnections: ${reconnections.length}; attempts: ${attempted}, without a ` +
        `stream: ${failed}, by cuts: ${failedByCuts}; 401: ${answers.answered(401)}; ${memory.newest()}`,
    )
  }

  const sampleEvery = Math.min(SAMPLE_EVERY, duration / SAMPLES)
  for (let sampleAt = start, tellAt = start; Date.now() < start + duration; await pause(TICK)) {
    await cuts.makeDue(Date.now())
    if (Date.now() >= sampleAt) {
      await look()
      await memory.sample()
      sampleAt += sampleEvery
    }
    if (Date.now() >= tellAt) {
      progress()
      tellAt += PROGRESS_EVERY
    }
  }

  await publisher.stop()
  await publisher.publish(1)
  for (const seat of seats) {
    await seat.opened(PATIENCE)
    // What has not come by then is lost, and judged as such.
    await seat.heard(publisher.published(), PATIENCE).catch((error: Error) => print(error.message))
  }
  await look()
  const figures = connectionFigures(hubs.all(), cuts.made())
  const renewals = figures.reopened - figures.reconnections.length
  return [
    {
      metric: 'what it was put to: cuts, renewals of a token',
      measured: `${cuts.made().length}, ${renewals}`,
      goal: 'one of each at least',
      isMet: cuts.made().length > 0 && renewals > 0,
    },
    {
      metric: '401 answers to a stream',
      measured: `${answers.answered(401)} of ${answers.asked()}`,
      goal: '0 of more than 0',
      isMet: answers.answered(401) === 0 && answers.answered(200) > 0,
    },
    ...connectionRows(figures),
    deliveryRow(await judgeDelivery(seats, publisher.published())),
    ...memory.rows(),
  ]
}
