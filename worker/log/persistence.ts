import type { LoggedEvent } from '../../src/shared/events.ts'
import { withLimit } from '../../src/shared/with-limit.ts'
import { createGap } from '../base/mean-gap.ts'
import type { Platform } from '../base/platform.ts'
import type { Bounds, Ledger } from './ledger.ts'
import { sharedUpTo } from './lineage.ts'
import { oneRead } from './memory-tail.ts'
import { type RecordInfo, toRecords } from './record-index.ts'
import { Fenced, type LogStore, type Position } from './store.ts'

/** ms after which a request to IndexedDB counts as failed (D2). */
const STORE_LIMIT = 3_000
/** ms until IndexedDB is tried again: at first soon, since clearing site data is over in no time; then doubled. */
const REOPEN_FIRST = 1_000
const REOPEN_CAP = 30_000
/**
 * ms from one commit to the next, at least, once events come faster than that. A transaction costs as much as hundreds
 * of events in it: one a frame took as much of the machine as all the deliveries. What a hub that dies has not
 * committed, the server sends again.
 */
const COMMIT_SPACING = 100

/** What one commit wrote, for followers to keep the same account. */
export interface Committed {
  upTo: number
  records: RecordInfo[]
  /** seq of the oldest event left. */
  first: number
}

export interface PersistenceOptions {
  platform: Platform
  account: Ledger
  bounds: Bounds
  open(onLost: () => void): Promise<LogStore>
  /** Runs what changes the account, one after the other. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  onCommitted(committed: Committed): void
  /** It may be another leader's: events that were delivered may not be part of the log any more. */
  onTruncate(): void
  /** A write was refused: there is another leader (L3). */
  onFenced(): void
  /** There may be more to read than was known of. */
  onFound(): void
  /** IndexedDB failed (`cause` says how), or is back (`null`). */
  onDurable(cause: string | null): void
}

/** Keeps a log's account and its database in step (D2): what fails here goes on in memory, and comes back. */
export const createPersistence = ({
  platform,
  account,
  bounds,
  open,
  inTurn,
  ...hooks
}: PersistenceOptions) => {
  let store: LogStore | null = null
  /** A full disk opens and reads well: after a failure, only a commit that stands says that all is well. */
  let proven = true
  /** What it holds is known here: opened is not yet read, where a worker that hangs blocks it. */
  let read = false
  let committing: Promise<void> | null = null
  let closed = false
  let reopenAfter = REOPEN_FIRST
  let cancelReopen = () => {}
  /** What was read last. */
  let expected: Position | undefined

  const limited = <T>(promise: Promise<T>) => {
    const late = () => new Error(`IndexedDB did not answer in ${STORE_LIMIT} ms.`)
    return withLimit(platform, promise, STORE_LIMIT, late)
  }
  const trim = () => account.trim(store !== null)
  /** What a follower's database is worth, its leader finds out. */
  const isDurable = () => store !== null && (account.leading ? proven : read)

  const lose = (cause: unknown) => {
    store?.close()
    store = null
    proven = read = false
    if (closed) return
    account.records.clear()
    cancelReopen()
    cancelReopen = platform.after(reopenAfter, () => void reopen())
    reopenAfter = Math.min(REOPEN_CAP, reopenAfter * 2)
    hooks.onDurable(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause))
  }

  /** L3 */
  const depose = () => {
    account.leading = false
    hooks.onFenced()
  }

  const openStore = async (): Promise<LogStore> => {
    let late = false
    const opening = open(() => {
      if (store !== null) lose('IndexedDB closed: site data cleared, or another version opened.')
    })
    opening.then(
      (opened) => (late || closed) && opened.close(),
      () => {},
    )
    try {
      return await limited(opening)
    } catch (error) {
      late = true
      throw error
    }
  }

  /** Takes over what IndexedDB holds, and keeps what is known beyond it. */
  const takeOver = async (from: LogStore) => {
    const { position: theirs, records } = await limited(from.all())
    expected = theirs
    const { position: ours, tail } = account
    const same = theirs?.epoch === ours.epoch
    // Another leader wrote it while this one had no database: it is not to be written over, whatever it holds.
    const another = theirs !== undefined && theirs.leader !== ours.leader && theirs.term >= ours.term
    if (account.leading && another) depose()
    const hole = same && (tail.first() ?? ours.head + 1) > theirs.head + 1
    const older =
      theirs !== undefined &&
      (theirs.term < ours.term || (account.leading && theirs.term === ours.term)) &&
      // Of the same log too, where this one has gone on from before its end without IndexedDB.
      (!same || (sharedUpTo(ours.leaders, theirs.leaders) ?? 0) < theirs.head)
    if (theirs === undefined || hole || older) {
      // Ours is the newer log: written while there was no IndexedDB. It replaces what is there.
      account.records.clear()
      account.committed = account.taken = (tail.first() ?? ours.head + 1) - 1
      account.trimBelow = Number.MAX_SAFE_INTEGER
      account.cutAbove = null
      return
    }
    // What an earlier leader relayed is not sure to be in the log of the one that wrote this.
    const ahead = same && theirs.term <= account.aligned && ours.head >= theirs.head
    const beyond = ahead ? tail.since(theirs.head) : []
    const { head } = ahead ? ours : theirs
    // The id that goes with the head, not with what was only heard of.
    const newest = account.known > head ? beyond.at(-1)?.id : ours.lastEventId
    const lastEventId = (ahead ? newest : null) ?? theirs.lastEventId
    const { term, leader, leaders } = theirs.term < ours.term ? ours : theirs
    account.position = { ...theirs, term, leader, leaders: leaders, head, lastEventId }
    account.aligned = Math.max(account.aligned, theirs.term)
    account.known = head
    account.forget(theirs.head)
    // Also where this log was to replace another that is gone: what is there now was written since.
    account.trimBelow = 0
    account.cutAbove = theirs.head
    account.records.add(records)
    for (const { events } of records) events.forEach(account.keep)
    beyond.forEach(account.keep)
    hooks.onTruncate()
    trim()
  }

  const load = async () => {
    try {
      store = await openStore()
      await takeOver(store)
      read = true
    } catch (error) {
      lose(error)
    }
  }

  const reopen = async () => {
    await inTurn(load)
    if (store === null) return
    account.dirty = true
    if (isDurable()) hooks.onDurable(null)
    void commitSoon()
  }

  /** @returns whether it stands */
  const commit = async (): Promise<boolean> => {
    const into = store!
    const fresh = toRecords(account.tail.since(account.taken), bounds)
    const { trimBelow, cutAbove } = account
    const position = { ...account.position }
    const upTo = position.head
    account.trimBelow = 0
    account.cutAbove = null
    account.dirty = false
    account.taken = upTo
    account.records.add(fresh)
    try {
      await limited(into.commit({ records: fresh, position, trimBelow, cutAbove, expected }))
      // A restart of the log, or its loss, meanwhile: `committed` speaks of another state by now.
      if (store !== into) return false
      if (!proven) {
        proven = true
        reopenAfter = REOPEN_FIRST
        hooks.onDurable(null)
      }
      account.committed = Math.max(account.committed, upTo)
      const infos = fresh.map(({ events: _, ...info }) => info)
      hooks.onCommitted({ upTo, records: infos, first: account.first() })
      return true
    } catch (error) {
      if (error instanceof Fenced) depose()
      else if (store === into) lose(error)
      return false
    }
  }

  const gap = createGap(platform)
  let committedAt = 0
  /** Somebody waits for the next commit. */
  let hurried = false
  let endWait = () => {}
  const spaced = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = platform.after(ms, resolve)
      endWait = () => {
        cancel()
        resolve()
      }
    })

  const canCommit = () => account.dirty && account.leading && store !== null && !closed
  const commitAll = async () => {
    while (canCommit()) {
      const wait = COMMIT_SPACING - Math.abs(platform.now() - committedAt)
      const isFast = wait > 0 && gap.ms() < COMMIT_SPACING / 2
      // Alone: what is about to be delivered goes first.
      if (!hurried) await spaced(isFast ? wait : 0)
      committedAt = platform.now()
      if (canCommit() && (await commit())) trim()
    }
  }
  /** One transaction under way; the next takes all that came meanwhile. */
  const commitSoon = (): Promise<void> => {
    committing ??= commitAll().finally(() => {
      committing = null
      hurried = false
      // What came between the loop's last look and now.
      if (canCommit()) return commitSoon()
    })
    return committing
  }

  return {
    load,
    /** Events have come. */
    appended() {
      gap.came()
      void commitSoon()
    },
    commitSoon,
    /** Resolves once all that there is now is committed, or has failed to be. */
    commitNow() {
      hurried = true
      endWait()
      return commitSoon()
    },
    trim,
    isDurable,
    /** Brings the account in line with IndexedDB, if there is one. */
    async sync() {
      const from = store
      if (from === null) return
      await takeOver(from).catch((error) => store === from && lose(error))
    },
    /** One read after `seq` from IndexedDB, without holes; empty if it is gone. */
    async read(seq: number): Promise<LoggedEvent[]> {
      const from = store
      const span = account.records.span(seq)
      if (from === null || span === null) return []
      try {
        const found = await limited(from.range(span.from, span.to))
        const events = found.flatMap((record) => record.events)
        const index = events.findIndex((event) => event.seq > seq)
        if (events[index]?.seq === seq + 1) return oneRead(events, index)
        if (account.leading) throw new Error('IndexedDB lost committed events.')
        // A follower's account is behind: the leader has trimmed, or committed what was never told.
        await takeOver(from)
        hooks.onFound()
      } catch (error) {
        if (store === from) lose(error)
      }
      return []
    },
    close() {
      closed = true
      cancelReopen()
      store?.close()
    },
  }
}
