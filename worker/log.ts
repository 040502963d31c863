import type { Cursor, From, LoggedEvent, ResetReason } from '../src/protocol.ts'
import { createIdentities } from './identities.ts'
import type { LogRecord, LogStore, Position } from './log-store.ts'
import type { MetricsRecorder } from './metrics.ts'
import type { Received } from './parser.ts'
import { type Platform, withLimit } from './platform.ts'
import { createTail, isFullRead, oneRead, sizeOf } from './tail.ts'

/** Committed events kept in memory as well, so that a tab a little behind costs no read. */
const TAIL_EVENTS = 1_000
const TAIL_SIZE = 2 * 1024 * 1024
/** Events a record, at most: a read for a tab that is a little behind should not load a flood. */
const RECORD_EVENTS = 256
/** ms after which a request to IndexedDB counts as failed (D2). */
const STORE_LIMIT = 3_000
/** ms until IndexedDB is tried again: at first soon, since clearing site data is over in no time; then doubled. */
const REOPEN_FIRST = 1_000
const REOPEN_CAP = 30_000

export interface LogOptions {
  platform: Platform
  open(onLost: () => void): Promise<LogStore>
  /** B2. events: count; bytes: characters; age: ms */
  bounds: { events: number; bytes: number; age: number }
  metrics: MetricsRecorder
  /** There are events to deliver, or another epoch. */
  onChange(): void
  /** IndexedDB failed (`cause` says how), or is back (`null`). */
  onDurable(cause: string | null): void
}

export type Log = ReturnType<typeof createLog>

type RecordInfo = Omit<LogRecord, 'events'>

const infoOf = ({ first, last, size, at }: LogRecord): RecordInfo => ({ first, last, size, at })

/**
 * The events in order: the newest in memory, the rest in IndexedDB, right behind (D2). Knows nothing of tabs.
 * Over 200 lines, since what is committed, kept and trimmed is one account of the same events.
 */
export const createLog = ({ platform, open, bounds, metrics, onChange, onDurable }: LogOptions) => {
  let position: Position = {
    epoch: platform.uuid(),
    head: 0,
    lastEventId: '',
    previous: null,
    epochStart: 0,
    streamClient: platform.uuid(),
  }
  /** What IndexedDB holds or is about to, oldest first. */
  let records: RecordInfo[] = []
  /** Uncommitted events are always in it. Without IndexedDB: all there are. */
  const tail = createTail()
  const identities = createIdentities()
  let store: LogStore | null = null
  /** Everything up to this seq is in IndexedDB, or (`taken`) in the transaction under way. */
  let committed = 0
  let taken = 0
  let trimBelow = 0
  let dirty = false
  let committing: Promise<void> | null = null
  let closed = false
  let reopenAfter = REOPEN_FIRST
  let cancelReopen = () => {}

  const limited = <T>(promise: Promise<T>) =>
    withLimit(
      platform,
      promise,
      STORE_LIMIT,
      () => new Error(`IndexedDB did not answer in ${STORE_LIMIT} ms.`),
    )

  const first = (): number =>
    Math.min(records[0]?.first ?? Infinity, tail.first() ?? Infinity, position.head + 1)

  /** Without IndexedDB the log goes on in memory, and tries to have it back. */
  const lose = (cause: unknown) => {
    if (closed) return
    store?.close()
    store = null
    records = []
    cancelReopen()
    cancelReopen = platform.after(reopenAfter, () => void reopen())
    reopenAfter = Math.min(REOPEN_CAP, reopenAfter * 2)
    onDurable(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause))
  }

  const openStore = async (): Promise<LogStore> => {
    let late = false
    const opening = open(() => {
      if (store !== null) lose('IndexedDB closed: site data cleared, or another version opened.')
    })
    opening.then(
      (opened) => late && opened.close(),
      () => {},
    )
    try {
      return await limited(opening)
    } catch (error) {
      late = true
      throw error
    }
  }

  const load = async () => {
    try {
      store = await openStore()
      const [stored, all] = await limited(Promise.all([store.position(), store.all()]))
      if (stored === undefined) return
      position = stored
      committed = taken = position.head
      records = all.map(infoOf)
      for (const event of all.flatMap((record) => record.events)) {
        identities.add(event)
        tail.push(event)
      }
      trim()
      onDurable(null)
    } catch (error) {
      lose(error)
    }
  }

  /** Back from memory: what the database holds is older than, or not, what we went on with. It is replaced. */
  const reopen = async () => {
    try {
      const opened = await openStore()
      if (closed) return opened.close()
      store = opened
      committed = taken = (tail.first() ?? position.head + 1) - 1
      trimBelow = Number.MAX_SAFE_INTEGER
      dirty = true
      await commitSoon()
      if (store !== opened) return
      reopenAfter = REOPEN_FIRST
      onDurable(null)
    } catch (error) {
      lose(error)
    }
  }

  const toRecords = (events: LoggedEvent[]): LogRecord[] => {
    // Trimming drops whole records; ten at least keep the log near its bound.
    const most = Math.min(RECORD_EVENTS, Math.ceil(bounds.events / 10))
    const made: LogRecord[] = []
    for (const event of events) {
      const open = made.at(-1)
      if (open !== undefined && open.events.length < most && open.size < bounds.bytes / 10) {
        open.events.push(event)
        open.last = event.seq
        open.size += sizeOf(event)
        open.at = event.at
      } else
        made.push({ first: event.seq, last: event.seq, size: sizeOf(event), at: event.at, events: [event] })
    }
    return made
  }

  /** B2: whole records go, the oldest first; in memory, single events. */
  const trim = () => {
    const oldest = platform.now() - bounds.age
    if (store === null) {
      tail.trim((event, count, size) => count > bounds.events || size > bounds.bytes || event.at < oldest)
      identities.trim(first())
      return
    }
    const held = records.reduce((sum, { size }) => sum + size, 0)
    let size = held
    let drop = 0
    for (; drop < records.length; drop++) {
      const record = records[drop]!
      if (position.head - record.first < bounds.events && size <= bounds.bytes && record.at >= oldest) break
      size -= record.size
    }
    if (drop > 0) {
      records = records.slice(drop)
      trimBelow = Math.max(trimBelow, records[0]?.first ?? taken + 1)
      dirty = true
    }
    const keep = Math.min(TAIL_EVENTS, bounds.events)
    const oldestKept = records[0]?.first ?? taken + 1
    tail.trim(
      ({ seq }, count, tailSize) =>
        seq <= committed && (seq < oldestKept || count > keep || tailSize > TAIL_SIZE),
    )
    identities.trim(first())
  }

  /** @returns whether it stands */
  const commit = async (): Promise<boolean> => {
    const into = store!
    const fresh = toRecords(tail.since(taken))
    const from = trimBelow
    trimBelow = 0
    dirty = false
    taken = position.head
    records.push(...fresh.map(infoOf))
    const upTo = taken
    try {
      await limited(into.commit({ records: fresh, position: { ...position }, trimBelow: from }))
      // A restart of the log, or its loss, meanwhile: `committed` speaks of another state by now.
      if (store === into) committed = Math.max(committed, upTo)
      return store === into
    } catch (error) {
      if (store === into) lose(error)
      return false
    }
  }

  const canCommit = () => dirty && store !== null && !closed
  const commitAll = async () => {
    while (canCommit()) if (await commit()) trim()
  }
  /** One transaction under way; the next takes all that came meanwhile. */
  const commitSoon = (): Promise<void> => {
    committing ??= commitAll().finally(() => {
      committing = null
      // What came between the loop's last look and now.
      if (canCommit()) return commitSoon()
    })
    return committing
  }

  const ready = load()
  let queue: Promise<unknown> = ready
  /** Appends and restarts happen one after the other, though a comparison may have to read. */
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = queue.then(run)
    queue = turn.catch(() => {})
    return turn
  }

  const readStored = async (after: number): Promise<LoggedEvent[]> => {
    const from = store
    const start = records.findLastIndex((record) => record.first <= after + 1)
    if (from === null || start === -1) return []
    let end = start
    for (let size = records[end]!.size; end + 1 < records.length; size += records[++end]!.size)
      if (isFullRead(records[end]!.last - after, size)) break
    try {
      const found = await limited(from.range(records[start]!.first, records[end]!.first))
      const events = found.flatMap((record) => record.events)
      const index = events.findIndex(({ seq }) => seq > after)
      if (index === -1) throw new Error('IndexedDB lost committed events.')
      return oneRead(events, index)
    } catch (error) {
      if (store === from) lose(error)
      return []
    }
  }

  /** One read after `seq`, in order and without holes; empty if there is nothing, or it is gone. */
  const read = (after: number): LoggedEvent[] | Promise<LoggedEvent[]> =>
    after >= (tail.first() ?? position.head + 1) - 1 ? tail.after(after) : readStored(after)

  const isDuplicate = async ({ id, type, data }: Received): Promise<boolean> => {
    for (const seq of identities.seqsOf(id)) {
      const held = tail.at(seq) ?? (await read(seq - 1))[0]
      if (held?.seq === seq && held.type === type && held.data === data) return true
    }
    return false
  }

  return {
    /** Resolves once the position is known, from IndexedDB or, failing that, afresh. */
    ready,
    epoch: () => position.epoch,
    /** seq of the oldest event; head + 1 if there is none. */
    first,
    head: () => position.head,
    committed: () => committed,
    isDurable: () => store !== null,
    lastEventId: () => position.lastEventId,
    streamClient: () => position.streamClient,

    /** @returns how many events were new */
    append: (blocks: Received[]): Promise<number> =>
      inTurn(async () => {
        const at = platform.now()
        const before = position.head
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
          const event = { seq: position.head, id, own, type, data, at }
          tail.push(event)
          identities.add(event)
          metrics.event(type)
        }
        dirty = true
        if (position.head > before) onChange()
        trim()
        void commitSoon()
        return position.head - before
      }),

    /** Continuity is lost: the events go, and every tab is told before anything newer. */
    restart: (reason: ResetReason, lastEventId: string): Promise<void> =>
      inTurn(async () => {
        const { epoch, head, streamClient } = position
        const previous = { epoch, reason }
        position = { epoch: platform.uuid(), head, lastEventId, previous, epochStart: head, streamClient }
        tail.clear()
        identities.clear()
        records = []
        committed = taken = head
        trimBelow = head + 1
        dirty = true
        metrics.reset()
        onChange()
        void commitSoon()
      }),

    read,

    /** Where a tab starts that has no cursor (D5); `null`: the event it names is not in the log. */
    start(from: From): Cursor | null {
      const { epoch, head } = position
      if (from === 'now') return { epoch, seq: head }
      if (from === 'start') return { epoch, seq: first() - 1 }
      if ('last' in from) return { epoch, seq: Math.max(first() - 1, head - from.last) }
      const seq = identities.seqsOf(from.after).at(-1) ?? (from.after === position.lastEventId ? head : null)
      return seq === null ? null : { epoch, seq }
    },

    /** Where a cursor stands in this log, and whether what it missed is still here (D4). */
    place(cursor: Cursor): { cursor: Cursor; reset: ResetReason | null } {
      const { epoch, head, previous, epochStart } = position
      const now = { epoch, seq: head }
      if (cursor.epoch !== epoch) {
        if (previous?.epoch !== cursor.epoch) return { cursor: now, reset: 'log-lost' }
        const since = epochStart >= first() - 1 ? { epoch, seq: epochStart } : now
        return { cursor: since, reset: previous.reason }
      }
      if (cursor.seq < first() - 1) return { cursor: now, reset: 'fell-behind' }
      // Beyond the head: the hub before this one delivered more than it had committed (D2).
      return { cursor: { epoch, seq: Math.min(cursor.seq, head) }, reset: null }
    },

    async close() {
      await queue
      await commitSoon()
      closed = true
      cancelReopen()
      store?.close()
    },
  }
}
