import type { Cursor, Follow, ResetReason } from '../../src/shared/events.ts'
import { pack } from '../../src/shared/packed-events.ts'
import type { PackedBatch } from '../../src/shared/protocol.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { TabStart } from './attach-tab.ts'
import { type CommitWaitOptions, createCommitWait } from './commit-wait.ts'
import { createFollowing } from './following.ts'
import { locateTab, type TabStanding } from './locate-tab.ts'
import type { SharedReads } from './shared-reads.ts'
import { createTold } from './told.ts'
import { createTopicNews } from './topic-news.ts'

/**
 * After so many events that a tab does not follow, it gets an empty batch that moves its own cursor. Otherwise the
 * log would outrun the cursor that the tab knows.
 */
const SILENT_EVENTS = 1_000

const NO_EVENTS = pack([])

/** A batch to deliver. */
export interface NextBatch {
  batch: PackedBatch
  /** When the newest of its events was received; `null`: it has none. */
  at: number | null
}

export interface BatchesOptions {
  platform: Pick<Platform, 'after' | 'now'>
  log: CommitWaitOptions['log'] & Pick<Log, 'head' | 'position' | 'lineage' | 'facts' | 'read'>
  reads: SharedReads
  start: TabStart
  /** As in `TabStanding`. */
  since: number
  follow: Follow
  /** There may be something to deliver: `next` is to be called. */
  onChange(): void
  /** The next batch tells the tab of this reset. */
  onReset(reason: ResetReason): void
  /** `toldUpTo` may give another place than before. */
  onTold(): void
}

/** What one tab gets, batch by batch: the hub's cursor for the tab, and what each batch says of the log. */
export interface Batches {
  cursor(): Cursor
  follow(): Follow
  setFollow(follow: Follow): void
  /** As in `Following`. */
  isJoining(topic: string | null): boolean
  /** Up to where the tab has been sent what it follows. `null`: it is to hear of a reset, or of another log, first. */
  toldUpTo(): Cursor | null
  /** Finds the next batch; `null`: there is none for now. */
  next(): Promise<NextBatch | null>
  /** This batch is on its way to the tab. */
  sent(batch: NextBatch): void
  /** The tab has acknowledged this batch. */
  took(taken: NextBatch): void
  /**
   * Another leader took over. Events that the tab has had, and its log lacks, may come again under another seq (D2).
   */
  truncate(): void
  /** Ends a call of `next` that is under way: it finds `null`. */
  close(): void
}

/** Over 80 lines: every function here reads or moves the tab's one cursor. */
export const createBatches = ({
  platform,
  log,
  reads,
  onChange,
  onReset,
  onTold,
  ...options
}: BatchesOptions): Batches => {
  const { cursor, lineage, reset, isBeforeFirstDelivery, beginsAfter } = options.start
  let tab: Omit<TabStanding, 'lineage'> = {
    cursor,
    isBeforeFirstDelivery,
    beginsAfter,
    since: options.since,
    pendingReset: reset,
    isBehind: false,
    oldUpTo: null,
  }
  const told = createTold(log, { lineage, seq: cursor.seq })
  const news = createTopicNews(log, platform)
  const waiting = { platform, log, onChange }
  const following = createFollowing({ ...waiting, follow: options.follow, onJoined: news.joined })
  const controlWait = createCommitWait(waiting)
  // Topics may have been live at the tab's former hub.
  news.moved(Object.keys(options.follow.topics))
  /** Where the last batch ends that was sent. */
  let sentUpTo = cursor
  /** A batch is made, and not sent yet. */
  let isMade = false
  let isClosed = false

  const set = (change: Partial<typeof tab>) => {
    // Another log, or another part of this one, may have other topics.
    if (change.cursor !== undefined && change.cursor.epoch !== tab.cursor.epoch) news.moved(joined())
    tab = { ...tab, ...change }
  }
  const joined = () => Object.keys(following.present().follow.topics)

  const withoutEvents = (reset: ResetReason | null, topics = news.take(tab.cursor)): NextBatch => {
    const { epoch, seq: to } = tab.cursor
    const rewind = reset === null ? told.rewind() : null
    return { batch: { epoch, rewind, to, ...told.stamp(to), reset, topics, events: NO_EVENTS }, at: null }
  }

  /** Whether the cursor still stands where it did before something was read. */
  const isStill = ({ epoch, seq }: Cursor) => log.epoch() === epoch && tab.cursor.seq === seq

  /** Moves the cursor over events from before the tab came, by one read at most. */
  const skipOld = async (oldUpTo: number): Promise<'again'> => {
    const { cursor, since } = tab
    const events = await log.read(cursor.seq)
    const first = events.findIndex(({ seq, at }) => seq > oldUpTo || at >= since)
    if (first >= 0) set({ oldUpTo: null })
    if (!isStill(cursor) || events.length === 0) await pause(platform, 0)
    else set({ cursor: { ...cursor, seq: first < 0 ? events.at(-1)!.seq : events[first]!.seq - 1 } })
    return 'again'
  }

  /**
   * A batch of what the tab follows, from one read. `again`: there is none here, or the log has changed meanwhile. `wait`:
   * it begins with a control that is not committed yet (TO3).
   */
  const readOn = async (): Promise<NextBatch | 'again' | 'wait'> => {
    const { epoch, seq: after } = tab.cursor
    const { term } = log.position()
    const asked = following.present()
    const read = reads.next(after, asked.follow, asked.key)
    const selection = read instanceof Promise ? await read : read
    if (isClosed || asked !== following.present()) return 'again'
    if (selection === null || !isStill({ epoch, seq: after }) || log.position().term !== term) {
      // The events are gone, or another leader's log may have other ones there. The change that is under way gets its
      // turn first, then `next` looks again.
      await pause(platform, 0)
      return 'again'
    }
    const { to, id, at, events, control } = selection
    if (control !== null && !controlWait.isOver({ epoch, seq: control })) return 'wait'
    if (at === null && to - told.seq() < SILENT_EVENTS) {
      set({ cursor: { epoch, seq: to } })
      return 'again'
    }
    const rewind = told.rewind()
    return { batch: { epoch, rewind, to, ...told.stamp(to, id), reset: null, topics: null, events }, at }
  }

  const find = async () => {
    while (!isClosed && !following.mustWait(tab.cursor)) {
      const located = locateTab(log.facts(), { ...tab, lineage: told.lineage() })
      switch (located.kind) {
        case 'wait':
          if (located.for === 'leader') return null
          set({ isBehind: false })
          break
        case 'move':
          set({ cursor: located.cursor, oldUpTo: located.oldUpTo })
          continue
        case 'reset':
          set({ cursor: located.cursor, pendingReset: null })
          news.moved(joined())
          onReset(located.reason)
          return withoutEvents(located.reason)
        case 'tell':
          return withoutEvents(null)
      }
      const topics = news.take(tab.cursor)
      if (topics !== null) return withoutEvents(null, topics)
      if (located.kind === 'wait') return null
      set({ isBehind: true })
      const found = located.oldUpTo === null ? await readOn() : await skipOld(located.oldUpTo)
      if (found === 'wait') return null
      if (found !== 'again') return found
    }
    return null
  }

  return {
    cursor: () => tab.cursor,
    follow: following.asked,
    setFollow: following.ask,
    isJoining: following.isJoining,
    toldUpTo() {
      const located = locateTab(log.facts(), { ...tab, lineage: told.lineage() })
      const isThere = located.kind === 'read' ? located.oldUpTo === null : located.kind === 'tell'
      if (isMade || !(isThere || (located.kind === 'wait' && located.for === 'events'))) return null
      const { epoch, seq } = tab.cursor
      const sent = sentUpTo.epoch === epoch ? sentUpTo.seq : 0
      return { epoch, seq: Math.min(Math.max(seq, sent), log.head()) }
    },
    async next() {
      const found = await find()
      isMade = found !== null
      if (!isMade) onTold()
      return found
    },
    sent({ batch: { epoch, to: seq } }) {
      sentUpTo = { epoch, seq }
      isMade = false
      onTold()
    },
    took({ batch: { epoch, to }, at }) {
      set({ cursor: { epoch, seq: told.took(to) } })
      if (at !== null) set({ isBeforeFirstDelivery: false })
    },
    truncate() {
      const agreed = told.truncate()
      if (tab.cursor.seq > agreed) set({ cursor: { ...tab.cursor, seq: agreed } })
      sentUpTo = { ...sentUpTo, seq: Math.min(sentUpTo.seq, agreed) }
      news.moved(joined())
    },
    close() {
      isClosed = true
    },
  }
}
