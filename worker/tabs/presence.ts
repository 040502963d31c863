import { tabLock } from '../../src/shared/names.ts'
import type { Platform } from '../base/platform.ts'

/** ms without a ping after which a tab counts as gone. A browser runs the timers of a hidden page once a minute. */
const SILENT_AFTER = 150_000
/**
 * ms for the first ping, which the page sends as soon as it is welcome. No other sign tells a tab whose lock cannot
 * be seen from a tab that was gone before it was welcome.
 */
const FIRST_PING = 3_000

/** Whether one tab is still there (T1). */
export interface Presence {
  /** The tab has sent a sign of life. */
  pinged(): void
  /** Stops watching: `onGone` is not called any more. */
  close(): void
}

/**
 * Watches the lock that a tab holds for as long as it lives: the browser grants the hub that lock once the tab is
 * closed, has crashed or was navigated away. No message is needed, and none would be sent by a tab that crashed.
 *
 * @param isLockSeen whether the hub's lock manager knows the tab's lock. Chromium parts the lock managers of an
 *   origin when its site data is cleared; pings have to do there.
 * @param onGone called once
 */
export const watchPresence = (
  platform: Pick<Platform, 'after' | 'locks'>,
  tab: string,
  isLockSeen: boolean,
  onGone: () => void,
): Presence => {
  if (isLockSeen) {
    const stop = new AbortController()
    const granted = () => {
      if (!stop.signal.aborted) onGone()
    }
    platform.locks.request(tabLock(tab), { signal: stop.signal }, granted).catch(() => {})
    return { pinged() {}, close: () => stop.abort() }
  }
  let cancel = platform.after(FIRST_PING, onGone)
  return {
    pinged() {
      cancel()
      cancel = platform.after(SILENT_AFTER, onGone)
    },
    close: () => cancel(),
  }
}
