import type { Cursor, Follow, Types } from '../../src/shared/events.ts'
import type { SessionInspection } from '../../src/shared/inspection.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { TabStart } from './attach-tab.ts'
import { type BatchesOptions, createBatches } from './batches.ts'
import { createPump } from './pump.ts'
import { createTabCalls, type RemoteTab, type TabCalls } from './tab-calls.ts'
import { createTabReads, type TabReads } from './tab-reads.ts'

export type { RemoteTab } from './tab-calls.ts'

/** ms by which an event that came after a tab began may seem to have come before. */
const CLOCK_SLACK = 200

export interface SessionOptions extends TabStart, Pick<BatchesOptions, 'reads' | 'onReset'> {
  platform: Platform
  tab: string
  remote: RemoteTab
  log: BatchesOptions['log'] & Pick<Log, 'first' | 'newest' | 'outlived' | 'place'>
  metrics: Pick<MetricsRecorder, 'delivered'>
  /** When the page connected, in ms since 1970: what `'now'` means. */
  since: number
  follow: Follow
  /** The types whose events the tab hears at once even while it is hidden (H1). */
  urgent: Types
  visible: boolean
  /** Whether deliveries to this tab may wait while it is hidden (H1). */
  mayWait: boolean
  /** How many events may be on their way to the tab in view, of batches that it may acknowledge later. */
  mostWaiting: number
  /** The delivery has failed for good. Called once at most. */
  onFailed(cause: unknown): void
}

/**
 * The hub's side of one tab: a cursor into the log and at most one batch in flight, whose acknowledgement
 * asks for the next. So a slow, hidden or frozen tab costs one cursor, and no queue grows for it.
 */
export interface Session extends TabCalls, Pick<TabReads, 'read' | 'sent'> {
  readonly tab: string
  cursor(): Cursor
  /** Whether the tab is in view, and since when (in ms since 1970); `at` 0: it was never in view. */
  seen(): { visible: boolean; at: number }
  setVisible(visible: boolean): void
  /** Whether the tab is hidden, and deliveries to it may wait (hidden-pace.ts). */
  isSlowed(): boolean
  /** There may be something to deliver. */
  pump(): void
  /** Another leader took over (batches.ts). */
  truncate(): void
  follow(follow: Follow, urgent: Types): void
  /** The types whose events do not wait. */
  urgent(): Types
  /** The topics that the tab has joined, or is about to. */
  topics(): string[]
  /** Whether the tab has not acknowledged a delivery for too long. */
  isStalled(): boolean
  /** How many events the tab still has to take; 0 for a tab that is stalled: the stream does not wait for it. */
  backlog(): number
  inspect(): SessionInspection
}

export const createSession = (options: SessionOptions): Session => {
  const { platform, tab, remote, log, follow, mayWait, mostWaiting, onReset, onFailed } = options
  const attachedAt = platform.now()
  const since = Math.min(options.since, attachedAt) - CLOCK_SLACK
  const batches = createBatches({
    platform,
    log,
    reads: options.reads,
    start: options,
    since,
    follow,
    onChange: () => pump.start(),
    onReset,
    onTold: () => reads.look(),
  })
  const metrics = {
    // The time that a batch has waited for a hidden tab says nothing of how fast the hub is.
    delivered: (ms: number) => isSlowed() || options.metrics.delivered(ms),
  }
  const pump = createPump({
    platform,
    remote,
    log,
    batches,
    metrics,
    // A hidden page's timers run late, and so would its acknowledgements.
    mostWaiting: () => (view.visible ? mostWaiting : 0),
    onFailed,
  })
  const reads = createTabReads({ platform, log, batches, pump: pump.start })
  const calls = createTabCalls(remote)
  let view = { visible: options.visible, at: options.visible ? attachedAt : 0 }
  let { urgent } = options
  let isClosed = false

  const isSlowed = () => mayWait && !view.visible
  const lag = () => {
    const { epoch, seq } = batches.cursor()
    return Math.max(0, log.head() - (epoch === log.epoch() ? seq : log.first() - 1))
  }

  return {
    ...calls,
    read: reads.read,
    sent: reads.sent,
    tab,
    cursor: batches.cursor,
    seen: () => view,
    setVisible(visible) {
      if (view.visible || visible) view = { visible, at: platform.now() }
    },
    pump: pump.start,
    truncate: batches.truncate,
    isSlowed,
    follow(follow, urgentTypes) {
      batches.setFollow(follow)
      urgent = urgentTypes
    },
    urgent: () => urgent,
    topics: () => Object.keys(batches.follow().topics),
    isStalled: () => pump.state() === 'stalled',
    backlog: () => (isClosed || pump.state() === 'stalled' ? 0 : lag()),
    inspect: () => ({
      tab,
      cursor: batches.cursor(),
      lag: lag(),
      follows: batches.follow(),
      urgent,
      state: pump.state() === 'idle' && isSlowed() && lag() > 0 ? 'held-back' : pump.state(),
      visible: view.visible,
      attachedAt,
      lastAckAt: pump.lastAckAt(),
    }),
    close() {
      isClosed = true
      pump.close()
      batches.close()
      calls.close()
    },
  }
}
