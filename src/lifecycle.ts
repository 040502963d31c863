export interface LifecycleHooks {
  /** The page leaves, perhaps for the back/forward cache: let go of everything (T3). */
  onHide(): void
  /** It came back from the cache. */
  onReturn(): void
  onVisible(visible: boolean): void
}

/**
 * What the page is going through. `pagehide`, not `beforeunload`: that one lies, and costs the cache.
 * A lock held in the cache would never be passed on, and one message to a cached page evicts it.
 */
export const watchLifecycle = ({ onHide, onReturn, onVisible }: LifecycleHooks) => {
  const stop = new AbortController()
  const { signal } = stop
  addEventListener('pagehide', onHide, { signal })
  addEventListener('pageshow', (event) => event.persisted && onReturn(), { signal })
  document.addEventListener('visibilitychange', () => onVisible(!document.hidden), { signal })
  return { close: () => stop.abort() }
}
