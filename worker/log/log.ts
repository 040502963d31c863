import type { Cursor, From, LoggedEvent, ResetReason } from '../../src/shared/events.ts'
import type { Lineage } from '../../src/shared/protocol.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import { type Bounds, createLedger } from './ledger.ts'
import { LEADERS_KEPT } from './lineage.ts'
import type { LogPoint } from './log-point.ts'
import { type Committed, createPersistence } from './persistence.ts'
import type { Received } from './received.ts'
import type { LogStore, Position } from './store.ts'

export type { Committed } from './persistence.ts'

/** What one `append` added. */
export interface Appended {
  /** head before it. */
  after: number
  events: LoggedEvent[]
}

/** Whose log it is that a leader speaks of. */
export interface Of {
  term: number
  epoch: string
}

export interface LogOptions {
  platform: Platform
  open(onLost: () => void): Promise<LogStore>
  bounds: Bounds
  metrics: MetricsRecorder
  /** There are events to deliver, or another epoch. `appended`: by this hub, as leader. */
  onChange(appended: Appended | null): void
  onCommitted(committed: Committed): void
  /** Another leader took over: what was delivered before may be no part of the log any more (`sureSince`). */
  onTruncate(): void
  /** A write was refused: there is another leader (L3). */
  onFenced(): void
  /** IndexedDB failed (`cause` says how), or is back (`null`). */
  onDurable(cause: string | null): void
}

export type Log = ReturnType<typeof createLog>

/**
 * The events in order: the newest in memory, the rest in IndexedDB, right behind (D2). The leader's hub
 * appends and commits; a follower's takes over what the leader relays (L2). Knows nothing of tabs.
 * Over 200 lines: the one list of all that can happen to a log, over ledger.ts and persistence.ts.
 */
export const createLog = ({ platform, open, bounds, metrics, ...hooks }: LogOptions) => {
  const account = createLedger(platform, bounds)
  const { tail, records, identities } = account
  let queue: Promise<unknown> = Promise.resolve()
  /** Changes happen one after the other, though some have to read. */
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = queue.then(run)
    queue = turn.catch(() => {})
    return turn
  }
  const persistence = createPersistence({
    platform,
    account,
    bounds,
    open,
    inTurn,
    ...hooks,
    onFound: () => hooks.onChange(null),
    onDurable(cause) {
      hooks.onDurable(cause)
      // Without IndexedDB, or with another's log in it, there may be less to read: sessions look again.
      hooks.onChange(null)
    },
  })
  const ready = inTurn(persistence.load)

  /** What is told to a tab whose cursor comes to be at `seq`. */
  const lineage = (seq = account.position.head): Lineage => {
    const { term, leaders, head, lastEventId, streamClient } = account.position
    const noted = () =>
      tail.at(seq)?.id ?? leaders.findLast(({ startsAfter: base }) => base === seq)?.lastEventId ?? null
    const id = seq === head && account.known <= head ? lastEventId : noted()
    return { term, leaders: leaders, committedUpTo: account.committed, lastEventId: id, streamClient }
  }
  const isEmpty = () => account.first() > account.position.head
  const isOurs = ({ term, epoch }: Of) => epoch === account.position.epoch && term === account.aligned

  /** One read after `seq`, in order and without holes; empty if there is nothing, or it is gone. */
  const read = (seq: number): LoggedEvent[] | Promise<LoggedEvent[]> =>
    seq >= (tail.first() ?? account.position.head + 1) - 1 ? tail.after(seq) : persistence.read(seq)

  const isDuplicate = async ({ id, type, data }: Received): Promise<boolean> => {
    for (const seq of identities.seqsOf(id)) {
      const held = tail.at(seq) ?? (await read(seq - 1))[0]
      if (held?.seq === seq && held.type === type && held.data === data) return true
    }
    return false
  }

  /** What is missing up to `head` is gone everywhere: whoever needs it gets a reset. */
  const skipTo = (head: number) => {
    account.forget(head)
    account.position.head = head
    hooks.onChange(null)
  }

  /** Takes the last `lead` back. */
  let unled = () => {}
  /** Where the log stands is known from a tab alone, and nothing has come since. */
  let recalled = false
  const born = account.position.epoch
  /** This log has come in line with another hub's. */
  let followed = false
  /** An epoch of this hub's own in which nothing was ever logged: nothing can have been lost with it. */
  let blank: string | null = null

  /** The log of a leader whose epoch is another. */
  const adopt = async (leader: Position, oldest: number) => {
    // What another hub went on with may hold what this one has not heard.
    if (!followed && account.position.epoch === born && account.position.head === 0) blank = born
    // Before anybody looks: the last event ID is the one that goes with it.
    account.known = leader.head
    if (leader.previous?.epoch === account.position.epoch) {
      account.position = { ...leader }
      return skipTo(leader.epochStart)
    }
    await persistence.sync()
    if (leader.epoch === account.position.epoch) return hooks.onChange(null)
    account.position = { ...leader }
    skipTo(oldest - 1)
  }

  /** Where a cursor of this log's own stands in it, and whether what it missed is still here (D4). */
  const stand = (cursor: Cursor): { cursor: Cursor; reset: ResetReason | null } => {
    const { epoch, head, previous, epochStart } = account.position
    const beforeFirst = account.first() - 1
    const now = { epoch, seq: head }
    if (cursor.epoch === blank) return { cursor: { epoch, seq: beforeFirst }, reset: null }
    // Neither read nor told yet where the log stands: the cursor may well be good.
    if (cursor.epoch !== epoch && account.aligned === 0) return { cursor, reset: null }
    if (cursor.epoch !== epoch) {
      if (previous?.epoch !== cursor.epoch) return { cursor: now, reset: 'log-lost' }
      const since = epochStart >= beforeFirst ? { epoch, seq: epochStart } : now
      return { cursor: since, reset: previous.reason }
    }
    if (cursor.seq < beforeFirst) return { cursor: now, reset: 'fell-behind' }
    return { cursor, reset: null }
  }

  return {
    /** Resolves once the position is known, from IndexedDB or, failing that, afresh. */
    ready,
    position: (): Readonly<Position> => account.position,
    epoch: () => account.position.epoch,
    lineage,
    sureSince: account.sureSince,
    /** seq of the oldest event; head + 1 if there is none. */
    first: account.first,
    head: () => account.position.head,
    /** When this epoch was followed by the present one, in ms since 1970; 0: not known. */
    endedAt(epoch: string): number {
      const { previous } = account.position
      return previous?.epoch === epoch ? previous.at : 0
    },
    /** The leader's, where this hub has heard of more than it holds. */
    known: () => Math.max(account.known, account.position.head),
    committed: () => account.committed,
    isDurable: persistence.isDurable,
    lastEventId: () => account.position.lastEventId,
    streamClient: () => account.position.streamClient,

    /** @returns how many events were new; none unless this hub leads */
    append: (blocks: Received[]): Promise<number> =>
      inTurn(async () => {
        if (!account.leading) return 0
        const { position } = account
        const at = platform.now()
        const after = position.head
        const events: LoggedEvent[] = []
        for (const block of blocks) {
          const { id, type, data } = block
          const own = block.position !== null && block.position !== ''
          if (own && type !== null && identities.seqsOf(id).length > 0 && (await isDuplicate(block))) {
            // The position stays as well: a server that starts over must not pull it back.
            metrics.duplicate()
            continue
          }
          if (block.position !== null) position.lastEventId = block.position
          if (type === null) continue
          position.head += 1
          const event = { seq: position.head, id, hasOwnId: own, type, data, at }
          account.keep(event)
          events.push(event)
          metrics.event(type)
        }
        account.dirty = true
        hooks.onChange({ after, events })
        persistence.trim()
        persistence.appended()
        return events.length
      }),

    /**
     * Continuity is lost: the events go, and every tab is told before anything newer.
     *
     * @param lastEventId where the stream goes on; where it is, if left out: known only in turn
     */
    restart: (reason: ResetReason, lastEventId?: string): Promise<void> =>
      inTurn(async () => {
        if (!account.leading) return
        const { epoch, head } = account.position
        const previous = { epoch, reason, at: platform.now() }
        account.position = {
          ...account.position,
          epoch: platform.uuid(),
          lastEventId: lastEventId ?? account.position.lastEventId,
          previous,
          epochStart: head,
        }
        account.forget(head)
        account.trimBelow = head + 1
        account.dirty = true
        metrics.reset()
        hooks.onChange({ after: head, events: [] })
        void persistence.commitSoon()
      }),

    /**
     * This hub holds the lock (L1): from here on it appends.
     *
     * @param seen the newest term that it has heard of
     * @returns its own term; `null`: another wrote meanwhile, and this hub is robbed already, or tries again
     */
    lead: (seen: number): Promise<number | null> =>
      inTurn(async () => {
        recalled = false
        await persistence.sync()
        // Without IndexedDB, what was never relayed to this hub is lost: it goes on behind it, after its id.
        if (account.known > account.position.head) skipTo(account.known)
        const { position } = account
        const { term: before, leader, leaders } = position
        const { aligned } = account
        unled = () => {
          Object.assign(position, { term: before, leader, leaders })
          Object.assign(account, { leading: false, aligned })
        }
        // Two that count from one number, each with a lock manager of its own, come to different terms.
        const term = Math.floor(Math.max(position.term, seen)) + 1 + platform.random()
        position.term = term
        // One that leads already goes on with its log.
        if (!account.leading) {
          const mine = {
            leader: platform.uuid(),
            startsAfter: position.head,
            lastEventId: position.lastEventId,
          }
          Object.assign(position, { leader: mine.leader, leaders: [...leaders, mine].slice(-LEADERS_KEPT) })
        }
        account.aligned = term
        account.leading = account.dirty = true
        await persistence.commitNow()
        if (!account.leading) return null
        hooks.onTruncate()
        hooks.onChange(null)
        return term
      }),

    /** Robbed before it led: nobody has heard of its term, and another may have counted to the same one. */
    abandon() {
      unled()
    },

    /** Another hub leads, or none. What is not committed is the next leader's. */
    follow() {
      account.leading = false
    },

    /** L2. @returns whether it fits; if not, what lies between is missing */
    receive: (relayed: Appended & Of, lastEventId: string): Promise<boolean> =>
      inTurn(async () => {
        const { position, leading } = account
        if (leading) return true
        if (!isOurs(relayed)) return false
        const newest = relayed.events.at(-1)?.seq ?? relayed.after
        if (newest >= account.known) {
          account.known = newest
          position.lastEventId = lastEventId
        }
        if (relayed.after > position.head) return false
        for (const event of relayed.events) {
          if (event.seq <= position.head) continue
          position.head = event.seq
          account.keep(event)
          metrics.event(event.type)
        }
        persistence.trim()
        hooks.onChange(null)
        return true
      }),

    /** The leader has committed: the same account here. */
    committedBy: (relayed: Committed & Of): Promise<void> =>
      inTurn(async () => {
        if (account.leading || !isOurs(relayed) || !persistence.isDurable()) return
        const { upTo, records: fresh, first: oldest } = relayed
        const last = records.last() ?? account.committed
        if (fresh[0] !== undefined && fresh[0].first > last + 1) {
          await persistence.sync()
          // It may hold events that were never relayed to this hub, and no other may come for long.
          hooks.onChange(null)
        } else records.add(fresh.filter((record) => record.first > last))
        records.trim((record) => record.last < oldest)
        account.committed = account.taken = Math.max(account.committed, Math.min(upTo, account.position.head))
        persistence.trim()
      }),

    /**
     * A leader says where its log stands; this one comes to the same.
     *
     * @param oldest seq of the leader's oldest event
     * @returns whether events are missing here after `head`
     */
    align: (leader: Position, oldest: number): Promise<boolean> =>
      inTurn(async () => {
        // A replaced one that wakes up may speak before its successor does (L3).
        if (account.leading || leader.term < account.position.term) return false
        recalled = false
        if (leader.epoch !== account.position.epoch) await adopt(leader, oldest)
        else if (leader.term > account.position.term || leader.leader !== account.position.leader) {
          const before = lineage()
          Object.assign(account.position, {
            term: leader.term,
            leader: leader.leader,
            leaders: leader.leaders,
          })
          const sure = account.sureSince(before)
          if (account.position.head > sure) account.cut(sure)
          hooks.onTruncate()
        }
        followed = true
        account.aligned = account.position.term = leader.term
        if (account.position.streamClient !== leader.streamClient) {
          account.position.streamClient = leader.streamClient
          // Tabs are to know it before another event comes: the leader may hang.
          hooks.onChange(null)
        }
        if (leader.head >= account.position.head) {
          account.known = leader.head
          account.position.lastEventId = leader.lastEventId
        }
        if (account.position.head < oldest - 1) skipTo(oldest - 1)
        return account.position.head < leader.head
      }),

    read,

    /**
     * D2. Where IndexedDB can't be read, or was cleared, and no leader is heard, a tab that was attached before, or
     * another hub, knows more than this log: it goes on from there. A hub that hangs may do so within a transaction, and
     * then blocks the database for as long as its pages live.
     */
    recall({ cursor: { epoch, seq }, lineage: { term, leaders, lastEventId: id, streamClient } }: LogPoint) {
      const { position } = account
      const leader = leaders.at(-1)?.leader
      if (leader === undefined || id === null) return
      // The one before may have hung between two tabs: what the one that is behind lacks, the server still has.
      const behind =
        recalled && position.leader === leader && position.epoch === epoch && seq < position.head && isEmpty()
      if ((account.aligned > 0 || position.head > 0) && !behind) return
      recalled = true
      if (position.epoch === born) blank = born
      Object.assign(position, { epoch, head: seq, lastEventId: id, term, leader, leaders, streamClient })
      account.aligned = term
      account.known = seq
      account.forget(seq)
    },

    /**
     * Where a tab starts that has no cursor (D5); `null`: the event it names is not in the log.
     *
     * @param since when `'now'` was, in ms since 1970: a page fetches its state while it attaches, and what came
     *   in between must not fall through
     */
    start(from: From, since = Number.POSITIVE_INFINITY): Cursor | null {
      const { epoch, head, lastEventId } = account.position
      const beforeFirst = account.first() - 1
      if (from === 'now') {
        let seq = head
        for (let last = tail.at(seq); last !== undefined; last = tail.at(--seq))
          if (last.at < since || last.at > platform.now()) break
        return { epoch, seq }
      }
      if (from === 'start') return { epoch, seq: beforeFirst }
      if ('last' in from) return { epoch, seq: Math.max(beforeFirst, head - from.last) }
      const seq = identities.seqsOf(from.after).at(-1) ?? (from.after === lastEventId ? head : null)
      return seq === null ? null : { epoch, seq }
    },

    stand,

    /** Where a tab goes on that was attached before, perhaps to another hub (D2, D4). */
    place({ epoch, seq }: Cursor, lineage: Lineage | null): { cursor: Cursor; reset: ResetReason | null } {
      // It stays where it is until this log is in line with what the tab knows of: session.ts.
      if (lineage !== null && lineage.term > account.position.term)
        return { cursor: { epoch, seq }, reset: null }
      const sure = lineage === null ? account.position.head : account.sureSince(lineage)
      return stand({ epoch, seq: Math.min(seq, sure) })
    },

    /** Commits what is left. */
    flush: (): Promise<void> => inTurn(persistence.commitNow),

    /** Without a commit: the log is about to be deleted (A4). */
    discard: persistence.close,

    async close() {
      await queue
      await persistence.commitNow()
      persistence.close()
    },
  }
}
