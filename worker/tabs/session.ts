import type { Cursor, Follow } from '../../src/shared/events.ts'
import type { SessionInspection } from '../../src/shared/inspection.ts'
import type { PackedBatch } from '../../src/shared/protocol.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { TabStart } from './attach-tab.ts'
import { type BatchesOptions, createBatches, type NextBatch } from './batches.ts'
import { createTabCalls, type RemoteTab, type TabCalls } from './tab-calls.ts'

export type { RemoteTab } from './tab-calls.ts'

/** ms without an acknowledgement after which a tab counts as stalled: slow, hidden or frozen. */
const STALLED_AFTER = 2_000
/** ms after which a batch that the tab's side could not take is sent again. */
const RETRY_AFTER = 1_000
/** ms by which what came after a tab's beginning may seem to have come before it. */
const CLOCK_SLACK = 200

export interface SessionOptions extends TabStart, Pick<BatchesOptions, 'reads' | 'onReset'> {
  platform: Platform
  tab: string
  remote: RemoteTab
  log: BatchesOptions['log'] & Pick<Log, 'first'>
  metrics: Pick<MetricsRecorder, 'delivered'>
  /** When the page connected, in ms since 1970: what `'now'` means. */
  since: number
  follow: Follow
  visible: boolean
  /** Nothing more can be delivered. Called once at most. */
  onFailed(cause: unknown): void
}

/**
 * The hub's side of one tab: a cursor into the log and at most one batch in flight, whose acknowledgement
 * asks for the next. So a slow, hidden or frozen tab costs one cursor, and no queue grows for it.
 */
export interface Session extends TabCalls {
  readonly tab: string
  cursor(): Cursor
  /** When the tab came into view, or went out of it: what is in view counts for more. */
  seen(): { visible: boolean; at: number }
  setVisible(visible: boolean): void
  /** There may be something to deliver. */
  pump(): void
  /** Another leader took over (batches.ts). */
  truncate(): void
  follow(types: Follow): void
  /** Events that a tab which keeps acknowledging still has to take; 0 for one that is stalled. */
  backlog(): number
  inspect(): SessionInspection
}

export const createSession = (options: SessionOptions): Session => {
  const { platform, tab, remote, log, metrics, reads, follow, onReset } = options
  const attachedAt = platform.now()
  const since = Math.min(options.since, attachedAt) - CLOCK_SLACK
  const batches = createBatches({
    platform,
    log,
    reads,
    start: options,
    since,
    follow,
    onChange: () => start(),
    onReset,
  })
  const calls = createTabCalls(remote)
  let view = { visible: options.visible, at: options.visible ? attachedAt : 0 }
  let sentAt: number | null = null
  let lastAckAt: number | null = null
  let isPumping = false
  let isWanted = false
  /** Up to which seq to deliver. */
  let goal = 0
  let isClosed = false

  /** Until it is taken: a listener's fault never shows here, and a tab drops what it has had already. */
  const deliver = async (batch: PackedBatch): Promise<void> => {
    while (!isClosed) {
      try {
        return await remote.deliver(batch)
      } catch {
        await pause(platform, RETRY_AFTER)
      }
    }
  }

  const deliverOne = async (found: NextBatch) => {
    sentAt = platform.now()
    await deliver(found.batch)
    lastAckAt = platform.now()
    if (found.at !== null) metrics.delivered(lastAckAt - found.at)
    sentAt = null
    batches.took(found)
  }

  const pump = async () => {
    isWanted = true
    goal = log.head()
    if (isPumping) return
    isPumping = true
    while (isWanted && !isClosed) {
      isWanted = false
      // What comes after the goal is another delivery's (pacing.ts).
      for (let found = await batches.next(); found !== null && !isClosed; ) {
        await deliverOne(found)
        found = batches.cursor().seq < goal ? await batches.next() : null
      }
    }
    isPumping = false
  }

  const start = () => void pump().catch(options.onFailed)

  const isStalled = () => sentAt !== null && platform.now() - sentAt > STALLED_AFTER
  const lag = () => {
    const { epoch, seq } = batches.cursor()
    return Math.max(0, log.head() - (epoch === log.epoch() ? seq : log.first() - 1))
  }

  return {
    ...calls,
    tab,
    cursor: batches.cursor,
    seen: () => view,
    setVisible(visible) {
      if (view.visible || visible) view = { visible, at: platform.now() }
    },
    pump: start,
    truncate: batches.truncate,
    follow: batches.setFollow,
    backlog: () => (isClosed || isStalled() ? 0 : lag()),
    inspect() {
      const state = isStalled() ? 'stalled' : sentAt === null ? 'idle' : 'delivering'
      const [cursor, follows] = [batches.cursor(), batches.follow()]
      return { tab, cursor, lag: lag(), follows, state, visible: view.visible, attachedAt, lastAckAt }
    },
    close() {
      isClosed = true
      batches.close()
      calls.close()
    },
  }
}
