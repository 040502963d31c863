import { expose, type Remote, wrap } from 'comlink'
import { tabLock } from '../shared/names.ts'
import { type Hello, type HubApi, PROTOCOL, type TabApi, type Welcome } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'
import { holdLock } from './hold-lock.ts'
import { type Host, type HostKind, openHost } from './host.ts'
import { newTabId } from './other-workers.ts'
import type { WorkerFactories } from './worker-factory.ts'

/** ms for a SharedWorker to answer the first call. After that the tab connects to it again. */
const SHARED_LIMIT = 2_000
/** ms for a dedicated Worker to answer. Its connection is never lost. Two silent connections and this are 10 s (T2). */
const DEDICATED_LIMIT = 6_000

export interface LinkOptions {
  worker: WorkerFactories | undefined
  /** What the hub is told of this tab, read just before `attach()` is called. */
  hello(): Omit<Hello, 'protocol' | 'key' | 'tab'>
}

/** One tab's connection to one worker: the host, the lock that says that the tab lives, and the calls both ways. */
export interface Link {
  hub: Remote<HubApi>
  host: Host
  /** Whether this tab holds its lock; `false`: the browser denies this page its locks. */
  isLocked(): boolean
  /** Whether the worker has answered anything. */
  isReached(): boolean
  /**
   * The hub's answer to `attach()`. Rejects if the worker is not reached in 2 s (dedicated: 6 s), or does not answer
   * in 10 s.
   */
  welcome: Promise<Welcome>
  /** Calls the hub once it has answered. Rejects when the link is closed, since no answer comes after that. */
  call<T>(run: (hub: Remote<HubApi>) => T): Promise<Awaited<T>>
  /** Closes the link. The tab's lock tells the hub: a message would arrive no sooner, and could evict a cached page. */
  close(): void
}

/** The name holds the protocol, so that pages of two versions start two workers. */
export const workerName = (key: string, generation: string): string => `${key}:${PROTOCOL}${generation}`

/**
 * @param kinds of host to try, in this order
 * @param key of the stream (A3)
 * @param workerGeneration what the worker's name ends with (other-workers.ts)
 * @param tabApi what the hub may call
 * @param onFailed as `OnFailed`
 * @throws Error as `openHost`
 */
export const openLink = (
  { worker, hello }: LinkOptions,
  kinds: readonly HostKind[],
  key: string,
  workerGeneration: string,
  tabApi: (link: Link) => TabApi,
  onFailed: (link: Link, cause: string | null) => boolean,
): Link => {
  const tab = newTabId(workerGeneration)
  // The lock is asked for before the worker is started: on a page that has just loaded, both take some ms.
  const lock = holdLock(tabLock(tab))
  let host: Host
  try {
    host = openHost(kinds, workerName(key, workerGeneration), worker, (cause) => onFailed(link, cause))
  } catch (error) {
    lock.release()
    throw error
  }
  const hub = wrap<HubApi>(host.endpoint)
  const rejects = new Set<(error: Error) => void>()
  let isReached = false
  let isLocked = true

  // The lock must be held first: the hub queues for it, and would take a free lock for the tab's death (T1).
  const welcome = lock.held.then(async (isHeld) => {
    isLocked = isHeld
    // The greeting is made before the first call: if that throws, no call is left whose failure nobody hears.
    const greeting = { protocol: PROTOCOL, key, tab, ...hello() }
    // The ping's answer tells a worker that is not there from one that is busy. Both calls go out together, since two
    // round trips would take longer. If attach() arrives after the tab gave up, its session ends, since nobody pings.
    const reaching = limitHubCall(hub.ping(), 'ping()', host.dedicated ? DEDICATED_LIMIT : SHARED_LIMIT)
    const attached = limitHubCall(hub.attach(greeting) as Promise<Welcome>, 'attach()')
    attached.catch(() => {})
    await reaching
    isReached = true
    return attached
  })

  const link: Link = {
    hub,
    host,
    isReached: () => isReached,
    isLocked: () => isLocked,
    welcome,
    call: (run) =>
      new Promise((resolve, reject) => {
        const ask = async () => {
          try {
            resolve(await run(hub))
          } catch (error) {
            reject(error)
          }
          rejects.delete(reject)
        }
        rejects.add(reject)
        // If the hub does not answer, the tab is about to leave it, and `close` rejects this call.
        welcome.then(ask, () => {})
      }),
    close() {
      lock.release()
      host.close()
      for (const reject of rejects) reject(new Error('The worker is gone.'))
    },
  }
  expose(tabApi(link), host.endpoint)
  return link
}
