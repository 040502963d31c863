import { type Clock, withLimit } from '../../src/shared/with-limit.ts'
import { exponential } from '../base/exponential.ts'
import type { LogStore } from './store.ts'

/** ms after which a request to IndexedDB counts as failed (D2). */
const STORE_LIMIT = 3_000

type State =
  | { kind: 'absent' }
  /** The database is open, and not yet read: a worker that hangs within a transaction blocks the reading. */
  | { kind: 'opened'; store: LogStore }
  /** The database reads well after a failure. A full disk reads well too: only a commit proves that all is well. */
  | { kind: 'suspect'; store: LogStore }
  | { kind: 'trusted'; store: LogStore }
  | { kind: 'closed' }

export interface DatabaseOptions {
  platform: Clock
  open(onLost: () => void): Promise<LogStore>
  /** Takes over what a store holds that was just opened. A rejection counts as a failure of the store. */
  takeOver(store: LogStore): Promise<void>
  /** The store is gone: what the ledger says of its records holds no more. */
  onLost(cause: string): void
  /** It is time to try again: `load` is to be called. */
  onRetry(): void
}

/** Whether there is an IndexedDB to keep the log in. A database that is lost is tried again, ever more seldom (D2). */
export interface Database {
  /** `null`: there is none, or it is closed. */
  store(): LogStore | null
  /** Whether the log knows what the database holds. */
  isRead(): boolean
  /** Whether the database has never failed, or a commit has succeeded since its last failure. */
  isTrusted(): boolean
  /** Opens the database, and takes over what it holds. Never rejects. */
  load(): Promise<void>
  /** The store `from` has failed. Nothing happens if another store has taken its place. */
  lose(from: LogStore, cause: unknown): void
  /** A commit has succeeded. @returns whether this was the first one after a failure */
  prove(): boolean
  /** @throws Error where IndexedDB does not answer in time */
  limited<T>(request: Promise<T>): Promise<T>
  close(): void
}

export const createDatabase = ({ platform, open, takeOver, onLost, onRetry }: DatabaseOptions): Database => {
  let state: State = { kind: 'absent' }
  /** Failures in a row, without a commit that succeeded. */
  let failures = 0
  let cancelRetry = () => {}

  const store = () => ('store' in state ? state.store : null)

  const limited = <T>(request: Promise<T>) => {
    const late = () => new Error(`IndexedDB did not answer in ${STORE_LIMIT} ms.`)
    return withLimit(platform, request, STORE_LIMIT, late)
  }

  const fail = (cause: unknown) => {
    store()?.close()
    if (state.kind === 'closed') return
    state = { kind: 'absent' }
    cancelRetry()
    // Soon at first, since clearing site data takes no time.
    cancelRetry = platform.after(exponential(failures++), onRetry)
    onLost(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause))
  }

  const openStore = async (): Promise<LogStore> => {
    let isLate = false
    const opening = open(() => {
      if (store() !== null) fail('IndexedDB closed: site data cleared, or another version opened.')
    })
    opening.then(
      (opened) => (isLate || state.kind === 'closed') && opened.close(),
      () => {},
    )
    try {
      return await limited(opening)
    } catch (error) {
      isLate = true
      throw error
    }
  }

  const load = async () => {
    try {
      const opened = await openStore()
      if (state.kind === 'closed') return
      state = { kind: 'opened', store: opened }
      await takeOver(opened)
      if (store() === opened) state = { kind: failures > 0 ? 'suspect' : 'trusted', store: opened }
    } catch (error) {
      fail(error)
    }
  }

  return {
    store,
    isRead: () => state.kind === 'suspect' || state.kind === 'trusted',
    isTrusted: () => state.kind === 'trusted',
    load,
    lose(from, cause) {
      if (store() === from) fail(cause)
    },
    prove() {
      if (state.kind !== 'suspect') return false
      state = { kind: 'trusted', store: state.store }
      failures = 0
      return true
    },
    limited,
    close() {
      cancelRetry()
      store()?.close()
      state = { kind: 'closed' }
    },
  }
}
