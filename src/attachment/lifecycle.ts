/** Why a page has no hub for now. Both may hold at once: a cached page is frozen as well. */
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
 * Tells what the page is going through. It listens to `pagehide`, since `beforeunload` fires for pages that stay, and
 * keeps a page out of the back/forward cache. A cached page that holds a lock would never pass it on, and one message
 * evicts such a page (T3).
 */
export const watchLifecycle = ({
  onPause,
  onResume,
  onVisible,
  onOnline,
}: LifecycleHooks): LifecycleWatch => {
  const stop = new AbortController()
  const { signal } = stop
  const page = document
  addEventListener('pagehide', () => onPause('cached'), { signal })
  addEventListener('pageshow', (event) => event.persisted && onResume('cached'), { signal })
  addEventListener('online', onOnline, { signal })
  page.addEventListener('freeze', () => onPause('frozen'), { signal })
  page.addEventListener('resume', () => onResume('frozen'), { signal })
  page.addEventListener('visibilitychange', () => onVisible(!page.hidden), { signal })
  return { close: () => stop.abort() }
}
