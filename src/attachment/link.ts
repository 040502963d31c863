import { expose, type Remote, wrap } from 'comlink'
import { tabLock } from '../shared/names.ts'
import { type Hello, type HubApi, PROTOCOL, type TabApi, type Welcome } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'
import { holdLock } from './hold-lock.ts'
import { type Host, type HostKind, openHost } from './host.ts'
import { newTabId } from './other-workers.ts'
import type { WorkerFactories } from './worker-factory.ts'

/** ms for a SharedWorker to answer the first call, after which it is connected to again. */
const SHARED_LIMIT = 2_000
/** ms for a dedicated Worker: the connection to it is never lost, so it is waited for as long as for all of those. */
const DEDICATED_LIMIT = 8_000

export interface LinkOptions {
  worker: WorkerFactories | undefined
  /** What a hub is told of this tab, at the moment of the call. */
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
  /** The hub's answer. Rejects where the worker is not reached within 2 s (a dedicated one: 8 s), or does not answer within 10 s. */
  welcome: Promise<Welcome>
  /** Calls the hub once it has answered. Rejects as soon as the link is closed, for then no answer comes. */
  call<T>(run: (hub: Remote<HubApi>) => T): Promise<Awaited<T>>
  /** The lock tells the hub. A message would arrive no sooner, and could evict a cached page. */
  close(): void
}

/** With the protocol in it: a worker of the same name that an older version started is another worker. */
export const workerName = (key: string, generation: string): string => `${key}:${PROTOCOL}${generation}`

/**
 * @param kinds of host to try, in this order
 * @param key of the stream (A3)
 * @param workerGeneration what the worker's name ends with (other-workers.ts)
 * @param tabApi what the hub may call
 * @param onFailed the worker's script could not be loaded or run
 * @throws Error as `openHost`
 */
export const openLink = (
  { worker, hello }: LinkOptions,
  kinds: readonly HostKind[],
  key: string,
  workerGeneration: string,
  tabApi: (link: Link) => TabApi,
  onFailed: (link: Link) => void,
): Link => {
  const tab = newTabId(workerGeneration)
  // Before the worker is asked for, which takes as long: a page that has just loaded waits ms for its first lock.
  const lock = holdLock(tabLock(tab))
  let host: Host
  try {
    host = openHost(kinds, workerName(key, workerGeneration), worker, () => onFailed(link))
  } catch (error) {
    lock.release()
    throw error
  }
  const hub = wrap<HubApi>(host.endpoint)
  const rejects = new Set<(error: Error) => void>()
  let isReached = false
  let isLocked = true

  // The lock first: the hub queues for it, and would take one that nobody holds for a death (T1).
  const welcome = lock.held.then(async (isHeld) => {
    isLocked = isHeld
    const greeting = { protocol: PROTOCOL, key, tab, ...hello() }
    // With a ping, whose answer tells a worker that is not there from one that is busy; not before it, which would
    // cost a round trip. Should an attach() arrive that was given up, its session ends by itself: nobody pings.
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
        // A hub that has not answered is about to be left: `close` tells.
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
