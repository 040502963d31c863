import type { Remote } from 'comlink'
import { hubLock } from '../shared/names.ts'
import type { HubApi } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'

/** ms between pings, and for an answer to one. */
const PING = 1_500
/** So many pings in a row may go unanswered. One alone may have waited behind this page's own long task. */
const MISSES = 2

/** A watch over one hub. */
export interface HubWatch {
  /** Ends the watch: `onGone` is not called any more. */
  close(): void
}

/**
 * Watches whether the attached hub is still there (T2). The hub's lock tells of its death within milliseconds. A hub
 * that hangs keeps its lock, but answers no ping. A worker that was silently restarted answers with another
 * incarnation.
 *
 * @param locks whether this page sees the hub's lock. If not, pings have to do.
 * @param isLeaving whether this tab signs out (A4): its session then ends before the answer, and the hub still lives
 * @param onGone called once
 */
export const watchHub = (
  hub: Remote<HubApi>,
  incarnation: string,
  locks: boolean,
  isLeaving: () => boolean,
  onGone: () => void,
): HubWatch => {
  const stop = new AbortController()
  let misses = 0
  let timer: ReturnType<typeof setTimeout>

  const gone = () => {
    if (stop.signal.aborted) return
    close()
    onGone()
  }
  const ping = async () => {
    try {
      const pong = await limitHubCall(hub.ping(), 'ping()', PING)
      misses = 0
      if (pong.incarnation !== incarnation || !(pong.attached || isLeaving())) return gone()
    } catch {
      if (++misses >= MISSES) {
        // Hidden tabs ping once a minute only, but queue for the hub's lock. To steal and free the lock tells them all.
        if (locks) navigator.locks.request(hubLock(incarnation), { steal: true }, () => {}).catch(() => {})
        return gone()
      }
    }
    if (!stop.signal.aborted) timer = setTimeout(ping, misses > 0 ? 0 : PING)
  }
  const close = () => {
    stop.abort()
    clearTimeout(timer)
  }

  if (locks) {
    navigator.locks.request(hubLock(incarnation), { signal: stop.signal }, gone).catch(() => {})
    timer = setTimeout(ping, PING)
  } else {
    // The first ping goes out at once: to a hub that does not see this tab's lock, it says that the tab is there.
    void ping()
  }
  return { close }
}
