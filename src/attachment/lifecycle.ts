/** Why a page has no hub for now: a set, since a cached page is frozen as well. */
export type PauseReason = 'cached' | 'frozen'

export interface LifecycleHooks {
  onPause(reason: PauseReason): void
  onResume(reason: PauseReason): void
  onVisible(visible: boolean): void
  onOnline(): void
}

export interface LifecycleWatch {
  close(): void
}

/**
 * What the page is going through. `pagehide`, not `beforeunload`: that one lies, and costs the cache.
 * A lock held in the cache would never be passed on, and one message to a cached page evicts it (T3).
 */
export const watchLifecycle = ({
  onPause,
  onResume,
  onVisible,
  onOnline,
}: LifecycleHooks): LifecycleWatch => {
  const stop = new AbortController()
  const { signal } = stop
  addEventListener('pagehide', () => onPause('cached'), { signal })
  addEventListener('pageshow', (event) => event.persisted && onResume('cached'), { signal })
  addEventListener('online', onOnline, { signal })
  document.addEventListener('freeze', () => onPause('frozen'), { signal })
  document.addEventListener('resume', () => onResume('frozen'), { signal })
  document.addEventListener('visibilitychange', () => onVisible(!document.hidden), { signal })
  return { close: () => stop.abort() }
}
