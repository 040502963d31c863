import type { PackedBatch } from '../../src/shared/protocol.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { Batches, NextBatch } from './batches.ts'
import type { RemoteTab } from './tab-calls.ts'

/** ms without an acknowledgement after which a tab counts as stalled: slow, hidden or frozen. */
const STALLED_AFTER = 2_000
/** ms after which a batch that the tab's side could not take is sent again. */
const RETRY_AFTER = 1_000

export interface PumpOptions {
  platform: Pick<Platform, 'after' | 'now'>
  remote: Pick<RemoteTab, 'deliver'>
  log: Pick<Log, 'head'>
  batches: Pick<Batches, 'cursor' | 'next' | 'took'>
  metrics: Pick<MetricsRecorder, 'delivered'>
  onFailed(cause: unknown): void
}

/** Delivers one batch after the other, each once the one before is acknowledged, as long as there is something. */
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
  /** Up to which seq to deliver. */
  let goal = 0
  let isClosed = false

  /** Until it is taken: a listener's fault never shows here, and a tab drops what it has had already. */
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
      // What comes after the goal is another delivery's (pacing.ts).
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
