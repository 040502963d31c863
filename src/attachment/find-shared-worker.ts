import { wrap } from 'comlink'
import type { HubApi } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'
import { HOST_KINDS, type Host, type HostKind, type OnFailed } from './host.ts'
import { retryAfter } from './retry.ts'

/** Looks for a SharedWorker that answers. */
export interface Search {
  /** Looks at once: the user or the network is back. */
  now(): void
  close(): void
}

/**
 * A SharedWorker's script that did not load may load later (T2). Meanwhile the tab makes do with a worker of its own,
 * and looks for the SharedWorker with backoff. A look is a ping, which costs the stream nothing.
 *
 * @param open as `openHost`
 * @param onFound called once
 */
export const findSharedWorker = (
  open: (kinds: readonly HostKind[], onFailed: OnFailed) => Host,
  onFound: () => void,
): Search => {
  let looks = 0
  let host: Host | null = null
  let timer: ReturnType<typeof setTimeout>

  const close = () => {
    clearTimeout(timer)
    host?.close()
    host = null
  }
  const later = () => {
    close()
    timer = setTimeout(look, retryAfter(looks++))
  }
  const look = (kinds: readonly HostKind[] = HOST_KINDS.slice(0, -1)) => {
    close()
    try {
      const mine = open(kinds, () => {
        if (host === mine) look(mine.others)
        return true
      })
      host = mine
      limitHubCall(wrap<HubApi>(mine.endpoint).ping(), 'ping()').then(
        () => host === mine && onFound(),
        () => host === mine && later(),
      )
    } catch {
      later()
    }
  }

  later()
  return { now: () => look(), close }
}
