import type {
  Batch,
  Cursor,
  ErrorData,
  Follow,
  ResetReason,
  SessionInspection,
  Status,
  TabApi,
  TokenAnswer,
} from '../src/protocol.ts'
import type { Log } from './log.ts'
import type { MetricsRecorder } from './metrics.ts'
import type { Platform } from './platform.ts'

/** ms without an acknowledgement after which a tab counts as stalled: slow, hidden or frozen. */
const STALLED_AFTER = 2_000
/** ms after which a batch that the tab's side could not take is sent again. */
const RETRY_AFTER = 1_000
/** A tab that follows nothing of what came is told of its cursor this often, lest the log outruns it. */
const SILENT_EVENTS = 1_000

/** The calls to a tab; whatever carries them must keep their order. */
export type RemoteTab = {
  [K in keyof TabApi]: (...args: Parameters<TabApi[K]>) => Promise<Awaited<ReturnType<TabApi[K]>>>
}

export interface SessionOptions {
  platform: Platform
  tab: string
  remote: RemoteTab
  log: Pick<Log, 'epoch' | 'first' | 'head' | 'committed' | 'read' | 'place'>
  metrics: Pick<MetricsRecorder, 'delivered'>
  cursor: Cursor
  reset: ResetReason | null
  follow: Follow
  visible: boolean
}

export type Session = ReturnType<typeof createSession>

/**
 * The hub's side of one tab: a cursor into the log and at most one batch in flight, whose acknowledgement
 * asks for the next. So a slow, hidden or frozen tab costs one cursor, and no queue grows for it.
 */
export const createSession = ({ platform, tab, remote, log, metrics, ...start }: SessionOptions) => {
  let { cursor, reset, follow, visible } = start
  /** What the tab itself knows of its cursor. */
  let told = cursor.seq
  let sentAt: number | null = null
  let lastAckAt: number | null = null
  let pumping = false
  let wanted = false
  let closed = false
  const attachedAt = platform.now()

  const follows = (): ((type: string) => boolean) => {
    if (follow === '*') return () => true
    const types = new Set(follow)
    return (type) => types.has(type)
  }

  const next = async (): Promise<Batch | null> => {
    for (;;) {
      const placed = log.place(cursor)
      reset ??= placed.reset
      if (placed.reset !== null) cursor = placed.cursor
      const durable = log.committed()
      if (reset !== null) {
        const batch = { epoch: cursor.epoch, to: cursor.seq, durable, reset, events: [] }
        reset = null
        return batch
      }
      if (cursor.seq >= log.head()) return null
      const read = log.read(cursor.seq)
      const events = Array.isArray(read) ? read : await read
      if (closed) return null
      const { epoch } = cursor
      // Nothing, or another epoch by now: look again, from the top.
      if (events.length === 0 || log.epoch() !== epoch) continue
      const to = events.at(-1)!.seq
      const followed = events.filter(({ type }) => wants(type))
      if (followed.length > 0 || to - told >= SILENT_EVENTS)
        return { epoch, to, durable: log.committed(), reset: null, events: followed }
      cursor = { epoch, seq: to }
    }
  }
  let wants = follows()

  /** Until it is taken: a listener's fault never shows here, and a tab drops what it has had already. */
  const deliver = async (batch: Batch): Promise<void> => {
    while (!closed) {
      try {
        return await remote.deliver(batch)
      } catch {
        await new Promise<void>((resolve) => platform.after(RETRY_AFTER, resolve))
      }
    }
  }

  const pump = async () => {
    wanted = true
    if (pumping) return
    pumping = true
    while (wanted && !closed) {
      wanted = false
      for (let batch = await next(); batch !== null && !closed; batch = await next()) {
        sentAt = platform.now()
        await deliver(batch)
        lastAckAt = platform.now()
        const newest = batch.events.at(-1)
        if (newest !== undefined) metrics.delivered(lastAckAt - newest.at)
        sentAt = null
        told = batch.to
        cursor = { epoch: batch.epoch, seq: batch.to }
      }
    }
    pumping = false
  }

  const isStalled = () => sentAt !== null && platform.now() - sentAt > STALLED_AFTER
  const lag = () => (cursor.epoch === log.epoch() ? log.head() - cursor.seq : log.head() - log.first() + 1)

  return {
    tab,
    cursor: () => cursor,
    isVisible: () => visible,
    setVisible(value: boolean) {
      visible = value
    },
    /** There may be something to deliver. */
    pump: () => void pump(),
    follow(types: Follow) {
      follow = types
      wants = follows()
    },
    /** Events that a tab which keeps acknowledging still has to take; 0 for one that is stalled. */
    backlog: () => (closed || isStalled() ? 0 : lag()),
    // A call to a tab that is gone never settles, or fails: either way its death is told by its lock.
    status: (status: Status) => void remote.status(status).catch(() => {}),
    error: (error: ErrorData) => void remote.error(error).catch(() => {}),
    accessToken: (): Promise<TokenAnswer> => remote.accessToken(),
    inspect(): SessionInspection {
      const state = isStalled() ? 'stalled' : sentAt === null ? 'idle' : 'delivering'
      return { tab, cursor, lag: lag(), follows: follow, state, visible, attachedAt, lastAckAt }
    },
    close() {
      closed = true
    },
  }
}
