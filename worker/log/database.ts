import { type Clock, withLimit } from '../../src/shared/with-limit.ts'
import type { LogStore } from './store.ts'

/** ms after which a request to IndexedDB counts as failed (D2). */
const STORE_LIMIT = 3_000
/** ms until IndexedDB is tried again: at first soon, since clearing site data is over in no time; then doubled. */
const REOPEN_FIRST = 1_000
const REOPEN_CAP = 30_000

type State =
  | { kind: 'absent' }
  /** Opened is not yet read: a worker that hangs within a transaction blocks the reading. */
  | { kind: 'opened'; store: LogStore }
  /** It reads well after a failure. So does a full disk: only a commit that stands proves that all is well. */
  | { kind: 'suspect'; store: LogStore }
  | { kind: 'trusted'; store: LogStore }
  | { kind: 'closed' }

export interface DatabaseOptions {
  platform: Clock
  open(onLost: () => void): Promise<LogStore>
  /** Takes over what a store holds that was just opened. What it rejects with counts as a failure of the store. */
  takeOver(store: LogStore): Promise<void>
  /** The store is gone: what is said of it holds no more. */
  onLost(cause: string): void
  /** It is time to try again: `load` is to be called. */
  onRetry(): void
}

/** Whether there is an IndexedDB to keep the log in: opened, lost, tried again after ever longer times (D2). */
export interface Database {
  /** `null`: there is none, or it is closed. */
  store(): LogStore | null
  /** What it holds is known. */
  isRead(): boolean
  /** It has stood since it was opened, or since its last failure a commit has stood. */
  isTrusted(): boolean
  /** Opens it and takes over what it holds; it never rejects. */
  load(): Promise<void>
  /** `from` has failed. Nothing happens if another has taken its place. */
  lose(from: LogStore, cause: unknown): void
  /** A commit stands. @returns whether it is the first one after a failure */
  prove(): boolean
  /** @throws Error where IndexedDB does not answer in time */
  limited<T>(request: Promise<T>): Promise<T>
  close(): void
}

export const createDatabase = ({ platform, open, takeOver, onLost, onRetry }: DatabaseOptions): Database => {
  let state: State = { kind: 'absent' }
  /** In a row, without a commit that stands. */
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
    cancelRetry = platform.after(Math.min(REOPEN_CAP, REOPEN_FIRST * 2 ** failures), onRetry)
    failures++
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
