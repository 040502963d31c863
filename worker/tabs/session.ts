import { type Cursor, type Follow, followKey, type ResetReason } from '../../src/shared/events.ts'
import type { SessionInspection } from '../../src/shared/inspection.ts'
import { pack } from '../../src/shared/packed-events.ts'
import type { Lineage, PackedBatch, TabApi, TokenAnswer } from '../../src/shared/protocol.ts'
import type { ErrorData, Status } from '../../src/shared/status.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { Selections } from './shared-reads.ts'

/** ms without an acknowledgement after which a tab counts as stalled: slow, hidden or frozen. */
const STALLED_AFTER = 2_000
/** ms after which a batch that the tab's side could not take is sent again. */
const RETRY_AFTER = 1_000
/** A tab that follows nothing of what came is told of its cursor this often, lest the log outruns it. */
const SILENT_EVENTS = 1_000

/** ms by which what came after a tab's beginning may seem to have come before it. */
const CLOCK_SLACK = 200

const NONE = pack([])

interface Found {
  batch: PackedBatch
  /** When the newest of its events was received; `null`: it has none. */
  at: number | null
}

/** The calls to a tab; whatever carries them must keep their order. */
export type RemoteTab = {
  [K in keyof TabApi]: (...args: Parameters<TabApi[K]>) => Promise<Awaited<ReturnType<TabApi[K]>>>
}

export interface SessionOptions {
  platform: Platform
  tab: string
  remote: RemoteTab
  log: Pick<
    Log,
    'epoch' | 'lineage' | 'first' | 'head' | 'known' | 'endedAt' | 'read' | 'stand' | 'sureSince'
  >
  selections: Selections
  metrics: Pick<MetricsRecorder, 'delivered'>
  cursor: Cursor
  /** What the tab has been told with its cursor, or will be with the batch in flight. */
  lineage: Lineage
  reset: ResetReason | null
  /** It starts at `'now'` (D5), and has heard nothing yet. */
  unheard: boolean
  /** When that `'now'` was, in ms since 1970. */
  since: number
  follow: Follow
  visible: boolean
  /** The tab is told. */
  onReset(reason: ResetReason): void
}

export type Session = ReturnType<typeof createSession>

/**
 * The hub's side of one tab: a cursor into the log and at most one batch in flight, whose acknowledgement
 * asks for the next. So a slow, hidden or frozen tab costs one cursor, and no queue grows for it.
 */
export const createSession = ({
  platform,
  tab,
  remote,
  log,
  selections,
  metrics,
  onReset,
  ...start
}: SessionOptions) => {
  let { cursor, reset, unheard, follow, visible, lineage } = start
  /** What the tab itself knows of its cursor. */
  let told = cursor.seq
  /** Another leader took over: the log ends, or ended, here, and the tab is still to be told. */
  let rewindTo: number | null = null
  let sentAt: number | null = null
  let lastAckAt: number | null = null
  let pumping = false
  let wanted = false
  /** Up to which seq to deliver. */
  let goal = 0
  /** There was something to deliver when it was looked at last. */
  let behind = false
  /** Of a log that took the place of the one it began in: up to here there may be what was there before it came. */
  let oldUpTo: number | null = null
  let followed = followKey(follow)
  let closed = false
  const attachedAt = platform.now()
  /** What was before is older than the tab. */
  const since = Math.min(start.since, attachedAt) - CLOCK_SLACK
  let seenAt = visible ? attachedAt : 0
  let latest: Status | null = null
  let asking: Promise<TokenAnswer> | null = null
  let gone = () => {}
  const ended = new Promise<TokenAnswer>((resolve) => {
    gone = () =>
      resolve({ ok: false, message: 'The tab that was asked for an access token is gone.', again: true })
  })

  const here = (to: number, id = log.lineage(to).lastEventId) => {
    rewindTo = null
    const { leaders } = lineage
    lineage = { ...log.lineage(to), lastEventId: id }
    const same = lineage.leaders.at(-1)?.leader === leaders.at(-1)?.leader
    return { ...lineage, leaders: same ? null : lineage.leaders }
  }

  const withoutEvents = (reset: ResetReason | null): Found => {
    const { epoch, seq: to } = cursor
    return { batch: { epoch, rewind: null, to, ...here(to), reset, events: NONE }, at: null }
  }

  const isOld = async (seq: number): Promise<boolean> => {
    const [event] = await log.read(seq - 1)
    return event !== undefined && event.at < since
  }

  const next = async (): Promise<Found | null> => {
    for (;;) {
      // It knows of a later leader than this log does: what is part of both shows once they are in line (L3).
      if (lineage.term > log.lineage().term) return null
      const placed = log.stand(cursor)
      const trimmed = unheard && placed.reset === 'fell-behind'
      // What the log holds is yet to come from the leader: only then does it show what the tab has missed.
      if (trimmed && log.first() > log.head() && log.known() > log.head()) return null
      // It came to a hub that had yet to hear of the leader, whose log has all that it is to hear.
      const over = cursor.epoch !== placed.cursor.epoch && log.endedAt(cursor.epoch) < since
      // Or what the log lost is from before it came, and no loss of its own.
      if ((unheard && over && !behind) || (trimmed && (await isOld(log.first())))) {
        cursor = { epoch: log.epoch(), seq: log.first() - 1 }
        oldUpTo = log.known()
        continue
      }
      reset ??= placed.reset
      // Another epoch without a reset: the log that it counted in never held anything.
      if (placed.reset !== null || cursor.epoch !== placed.cursor.epoch) cursor = placed.cursor
      if (reset !== null) {
        onReset(reset)
        const told = withoutEvents(reset)
        reset = null
        return told
      }
      const { epoch, seq: after } = cursor
      const { term, streamClient } = log.lineage()
      // It is in a log that somebody leads now, and may lose it: until it knows that, it counts as new. And its next
      // hub is to hear from it what the stream is known by (S1).
      if (term > 0 && (lineage.term === 0 || lineage.streamClient !== streamClient))
        return withoutEvents(null)
      behind = after < log.head()
      if (!behind) return null
      if (oldUpTo !== null) {
        const upTo = oldUpTo
        const events = await log.read(after)
        const first = events.findIndex(({ seq, at }) => seq > upTo || at >= since)
        if (first >= 0) oldUpTo = null
        if (log.epoch() !== epoch || cursor.seq !== after || events.length === 0) await pause(platform, 0)
        else cursor = { epoch, seq: first < 0 ? events.at(-1)!.seq : events[first]!.seq - 1 }
        continue
      }
      const asked = followed
      const read = selections.next(after, follow, asked)
      const selection = read instanceof Promise ? await read : read
      if (closed) return null
      if (asked !== followed) continue
      const isSame = log.epoch() === epoch && log.lineage().term === term && cursor.seq === after
      if (selection === null || !isSame) {
        // Gone, or another log by now, or another leader's, which may have other events there: look again, from
        // the top, and let what changes it come first.
        await pause(platform, 0)
        continue
      }
      const { to, id, at, events } = selection
      const rewind =
        rewindTo !== null && rewindTo < told ? { seq: rewindTo, id: log.lineage(rewindTo).lastEventId } : null
      if (at !== null || to - told >= SILENT_EVENTS) {
        return { batch: { epoch, rewind, to, ...here(to, id), reset: null, events }, at }
      }
      cursor = { epoch, seq: to }
    }
  }

  /** Until it is taken: a listener's fault never shows here, and a tab drops what it has had already. */
  const deliver = async (batch: PackedBatch): Promise<void> => {
    while (!closed) {
      try {
        return await remote.deliver(batch)
      } catch {
        await pause(platform, RETRY_AFTER)
      }
    }
  }

  const pump = async () => {
    wanted = true
    goal = log.head()
    if (pumping) return
    pumping = true
    while (wanted && !closed) {
      wanted = false
      // What comes after the goal is another delivery's (pacing.ts).
      for (let found = await next(); found !== null && !closed; ) {
        const { batch, at } = found
        sentAt = platform.now()
        await deliver(batch)
        lastAckAt = platform.now()
        if (at !== null) {
          metrics.delivered(lastAckAt - at)
          unheard = false
        }
        sentAt = null
        told = batch.to
        cursor = { epoch: batch.epoch, seq: Math.min(batch.to, rewindTo ?? batch.to) }
        found = cursor.seq < goal ? await next() : null
      }
    }
    pumping = false
  }

  const isStalled = () => sentAt !== null && platform.now() - sentAt > STALLED_AFTER
  const lag = () => Math.max(0, log.head() - (cursor.epoch === log.epoch() ? cursor.seq : log.first() - 1))

  return {
    tab,
    cursor: () => cursor,
    /** When the tab came into view, or went out of it: what is in view counts for more. */
    seen: () => ({ visible, at: seenAt }),
    setVisible(value: boolean) {
      if (visible || value) seenAt = platform.now()
      visible = value
    },
    /** There may be something to deliver. */
    pump: () => void pump(),
    /** Another leader's log: what the tab has had and that lacks may come again, under another seq (D2). */
    truncate() {
      const sure = log.sureSince(lineage)
      rewindTo = Math.min(rewindTo ?? sure, sure)
      if (cursor.seq > sure) cursor = { ...cursor, seq: sure }
    },
    follow(types: Follow) {
      follow = types
      followed = followKey(types)
    },
    /** Events that a tab which keeps acknowledging still has to take; 0 for one that is stalled. */
    backlog: () => (closed || isStalled() ? 0 : lag()),
    // A call to a tab that is gone never settles, or fails: either way its death is told by its lock.
    status(status: Status) {
      latest = status
      void remote.status(status).catch(() => {})
    },
    /** Resolves once the tab has taken what it was told already: it runs. */
    sign: async (): Promise<void> => {
      if (latest !== null) await remote.status(latest)
    },
    error: (error: ErrorData) => void remote.error(error).catch(() => {}),
    /** A call to a tab that dies over it never settles: this one does. One at a time: it may be asked again meanwhile. */
    accessToken(): Promise<TokenAnswer> {
      asking ??= Promise.race([remote.accessToken(), ended]).finally(() => {
        asking = null
      })
      return asking
    },
    signOut: (): Promise<void> => remote.signOut(),
    inspect(): SessionInspection {
      const state = isStalled() ? 'stalled' : sentAt === null ? 'idle' : 'delivering'
      return { tab, cursor, lag: lag(), follows: follow, state, visible, attachedAt, lastAckAt }
    },
    close() {
      closed = true
      gone()
    },
  }
}
