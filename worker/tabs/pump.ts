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
/** ms since the last acknowledgement, within which a tab may keep the next ones back. It keeps them a second at most. */
const MAY_WAIT_FOR = 1_000
/** Characters of a batch whose acknowledgement may wait. */
const SMALL = 4_096

export interface PumpOptions {
  platform: Pick<Platform, 'after' | 'now'>
  remote: Pick<RemoteTab, 'deliver'>
  log: Pick<Log, 'head'>
  batches: Pick<Batches, 'cursor' | 'next' | 'sent' | 'took'>
  metrics: Pick<MetricsRecorder, 'delivered'>
  /** How many events may be on their way to the tab, of batches that it may acknowledge later. */
  mostWaiting(): number
  onFailed(cause: unknown): void
}

/**
 * Delivers one batch after the other. Each goes out once the tab has acknowledged the one before. Of a quiet stream's
 * small batches the tab acknowledges several together: an acknowledgement costs as much as the delivery (P12, P13).
 */
export interface Pump {
  /** There may be something to deliver. */
  start(): void
  state(): 'idle' | 'delivering' | 'stalled'
  /** In ms since 1970; `null`: none yet. */
  lastAckAt(): number | null
  close(): void
}

/** A batch on its way to the tab. */
interface Sent {
  number: number
  batch: PackedBatch
  /** In ms since 1970. */
  at: number
  /** Whether the tab may acknowledge it later. The hub then counts it as taken already. */
  waits: boolean
}

/** Over 80 lines: what is on its way to the tab, and every change of it. */
export const createPump = ({
  platform,
  remote,
  log,
  batches,
  metrics,
  mostWaiting,
  onFailed,
}: PumpOptions): Pump => {
  /** comlink makes a proxy whenever a method is looked up. */
  const { deliver } = remote
  let lastAckAt: number | null = null
  let isRunning = false
  let isWanted = false
  /** The seq up to which this run delivers. */
  let goal = 0
  let isClosed = false
  let numbers = 0
  /** Batches that the tab has not acknowledged yet, in order. */
  let sent: Sent[] = []
  /** Calls whose answers are still to come. A call to a frozen tab is answered once the tab runs. */
  let calls: Promise<boolean>[] = []
  /** Sends again what the tab could not take; `null`: it took everything, as far as the hub knows. */
  let mending: Promise<void> | null = null

  const call = async (each: Sent, mayWait: boolean): Promise<boolean> => {
    try {
      await deliver(each.batch, each.number, mayWait)
    } catch {
      mending ??= mend().finally(() => {
        mending = null
      })
      return false
    }
    sent = sent.filter((other) => other !== each)
    lastAckAt = platform.now()
    return true
  }

  /** In order. The tab drops events that it has had, so a repeat does no harm. */
  const mend = async () => {
    await Promise.all(calls)
    while (sent.length > 0 && !isClosed) {
      await pause(platform, RETRY_AFTER)
      for (const each of sent) if (isClosed || !(await call(each, false))) break
    }
  }

  const mayWait = ({ events: { ids, text } }: PackedBatch): boolean =>
    sent.reduce((sum, { batch }) => sum + batch.events.ids.length, ids.length) <= mostWaiting() &&
    text.length < SMALL &&
    lastAckAt !== null &&
    Math.abs(platform.now() - lastAckAt) < MAY_WAIT_FOR

  const send = async (found: NextBatch) => {
    if (mending !== null) await mending
    const waits = mayWait(found.batch)
    const each = { number: ++numbers, batch: found.batch, at: platform.now(), waits }
    sent.push(each)
    const answer = call(each, waits)
    batches.sent(found)
    calls.push(answer)
    const settled = answer.then(() => {
      calls = calls.filter((other) => other !== answer)
    })
    if (waits) return batches.took(found)
    await settled
    if (mending !== null) await mending
    if (isClosed) return
    if (found.at !== null) metrics.delivered(platform.now() - found.at)
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
        await send(found)
        found = batches.cursor().seq < goal ? await batches.next() : null
      }
    }
    isRunning = false
  }

  return {
    start: () => void run().catch(onFailed),
    state() {
      const [oldest] = sent
      if (oldest !== undefined && platform.now() - oldest.at > STALLED_AFTER) return 'stalled'
      return sent.every(({ waits }) => waits) ? 'idle' : 'delivering'
    },
    lastAckAt: () => lastAckAt,
    close() {
      isClosed = true
    },
  }
}
