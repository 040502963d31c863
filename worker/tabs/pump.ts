import type { PackedBatch } from '../../src/shared/protocol.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { Batches, NextBatch } from './batches.ts'
import type { RemoteTab } from './tab-calls.ts'

/** ms without an acknowledgement after which a tab counts as stalled: it is slow, hidden or frozen. */
const STALLED_AFTER = 2_000
/** ms after which a batch is sent again that the page could not take. */
const RETRY_AFTER = 1_000

export interface PumpOptions {
  platform: Pick<Platform, 'after' | 'now'>
  remote: Pick<RemoteTab, 'deliver'>
  log: Pick<Log, 'head'>
  batches: Pick<Batches, 'cursor' | 'next' | 'took'>
  metrics: Pick<MetricsRecorder, 'delivered'>
  onFailed(cause: unknown): void
}

/** Delivers one batch after the other. Each goes out once the tab has acknowledged the one before. */
export interface Pump {
  /** There may be something to deliver. */
  start(): void
  state(): 'idle' | 'delivering' | 'stalled'
  /** In ms since 1970; `null`: none yet. */
  lastAckAt(): number | null
  close(): void
}

export const createPump = ({ platform, remote, log, batches, metrics, onFailed }: PumpOptions): Pump => {
  let sentAt: number | null = null
  let lastAckAt: number | null = null
  let isRunning = false
  let isWanted = false
  /** The seq up to which this run delivers. */
  let goal = 0
  let isClosed = false

  /** Sends until the tab has taken the batch. The tab drops events that it has had, so a repeat does no harm. */
  const send = async (batch: PackedBatch): Promise<void> => {
    while (!isClosed) {
      try {
        return await remote.deliver(batch)
      } catch {
        await pause(platform, RETRY_AFTER)
      }
    }
  }

  const deliver = async (found: NextBatch) => {
    sentAt = platform.now()
    await send(found.batch)
    lastAckAt = platform.now()
    if (found.at !== null) metrics.delivered(lastAckAt - found.at)
    sentAt = null
    batches.took(found)
  }

  const run = async () => {
    isWanted = true
    goal = log.head()
    if (isRunning) return
    isRunning = true
    while (isWanted && !isClosed) {
      isWanted = false
      // Events after the goal wait for the next delivery (pacing.ts).
      for (let found = await batches.next(); found !== null && !isClosed; ) {
        await deliver(found)
        found = batches.cursor().seq < goal ? await batches.next() : null
      }
    }
    isRunning = false
  }

  return {
    start: () => void run().catch(onFailed),
    state() {
      if (sentAt === null) return 'idle'
      return platform.now() - sentAt > STALLED_AFTER ? 'stalled' : 'delivering'
    },
    lastAckAt: () => lastAckAt,
    close() {
      isClosed = true
    },
  }
}
