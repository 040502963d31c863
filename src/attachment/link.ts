import { expose, type Remote, wrap } from 'comlink'
import { tabLock } from '../shared/names.ts'
import { type Hello, type HubApi, PROTOCOL, type TabApi, type Welcome } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'
import { holdLock } from './hold-lock.ts'
import { openHost } from './host.ts'
import { newTabId } from './other-workers.ts'
import type { WorkerFactories } from './worker-factory.ts'

/** ms for a SharedWorker to answer the first call. */
const REACH_LIMIT = 2_000

export interface LinkOptions {
  /** Of the first worker of the key. */
  workerName: string
  worker: WorkerFactories | undefined
  /** What a hub is told of this tab, at the moment of the call. */
  hello(): Omit<Hello, 'protocol' | 'tab'>
}

/** One tab's connection to one worker: the host, the lock that says that the tab lives, and the calls both ways. */
export interface Link {
  hub: Remote<HubApi>
  /** The worker lives and dies with this page. */
  dedicated: boolean
  /** Whether the worker has answered anything. */
  isReached(): boolean
  /** The hub's answer. Rejects where the worker is not reached within 2 s, or does not answer within 10 s. */
  welcome: Promise<Welcome>
  /** Calls the hub once it has answered. Rejects as soon as the link is closed, for then no answer comes. */
  call<T>(run: (hub: Remote<HubApi>) => T): Promise<Awaited<T>>
  /** The lock tells the hub. A message would arrive no sooner, and could evict a cached page. */
  close(): void
}

/**
 * @param hostKind index into the kinds of host (host.ts)
 * @param workerGeneration what the worker's name ends with (other-workers.ts)
 * @param tabApi what the hub may call
 * @param onFailed the worker's script could not be loaded or run
 * @returns `null`: there is no such kind of host
 */
export const openLink = (
  { workerName, worker, hello }: LinkOptions,
  hostKind: number,
  workerGeneration: string,
  tabApi: (link: Link) => TabApi,
  onFailed: (link: Link) => void,
): Link | null => {
  const tab = newTabId(workerGeneration)
  // Before the worker is asked for, which takes as long: a page that has just loaded waits ms for its first lock.
  const lock = holdLock(tabLock(tab))
  const host = openHost(hostKind, workerName + workerGeneration, worker, () => onFailed(link))
  if (host === null) {
    lock.release()
    return null
  }
  const hub = wrap<HubApi>(host.endpoint)
  const rejects = new Set<(error: Error) => void>()
  let reached = host.dedicated

  // The lock first: the hub queues for it, and would take one that nobody holds for a death (T1).
  const welcome = lock.held.then(async () => {
    // With a ping, whose answer tells a worker that is not there from one that is busy; not before it, which would
    // cost a round trip. Should an attach() arrive that was given up, its session ends by itself: nobody pings.
    const reaching = reached || limitHubCall(hub.ping(), 'ping()', REACH_LIMIT)
    const attached = limitHubCall(
      hub.attach({ protocol: PROTOCOL, tab, ...hello() }) as Promise<Welcome>,
      'attach()',
    )
    attached.catch(() => {})
    await reaching
    reached = true
    return attached
  })

  const link: Link = {
    hub,
    dedicated: host.dedicated,
    isReached: () => reached,
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
