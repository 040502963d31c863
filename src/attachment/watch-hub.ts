import type { Remote } from 'comlink'
import { hubLock } from '../shared/names.ts'
import type { HubApi } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'

/** ms between pings, and for an answer to one. */
const PING = 1_500
/** Pings in a row without an answer: one may have waited behind this page's own long task. */
const MISSES = 2

/** A watch over one hub. */
export interface HubWatch {
  /** Ends it: `onGone` is not called any more. */
  close(): void
}

/**
 * Whether the hub that was attached to is still there (T2). Its death is told by its lock, within
 * milliseconds; a wedged one keeps that, and a worker that was silently restarted answers as another.
 *
 * @param locks whether the hub's lock is to be seen from here; pings do without
 * @param isLeaving this tab signs out, which ends its session before it is answered (A4): no death
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
        // Hidden tabs ping once a minute. They queue for its lock: taken from it and freed, it tells them all.
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
    // At once: to a hub that does not see this tab's lock, the first ping says that the tab is there at all.
    void ping()
  }
  return { close }
}
