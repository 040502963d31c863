import { expose, releaseProxy, wrap } from 'comlink'
import type { TabApi } from '../src/shared/protocol.ts'
import type { Platform } from './base/platform.ts'
import { createHub } from './hub.ts'
import type { RemoteTab } from './tabs/session.ts'
import type { TopicOf } from './topics/topics.ts'
import type { CreateVerifier } from './verify/verifier.ts'

export type { TopicOf } from './topics/topics.ts'
export type { Checked, CreateVerifier, SignedEvent, Verifier, VerifierOptions } from './verify/verifier.ts'

const platform: Platform = {
  now: () => Date.now(),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  fetch: (...args) => fetch(...args),
  locks: navigator.locks,
  openChannel(name, onMessage) {
    const channel = new BroadcastChannel(name)
    channel.onmessage = (event: MessageEvent<unknown>) => onMessage(event.data)
    return { post: (message) => channel.postMessage(message), close: () => channel.close() }
  },
  isOnline: () => navigator.onLine,
  onConnectivity(listener) {
    addEventListener('online', listener)
    addEventListener('offline', listener)
    return () => {
      removeEventListener('online', listener)
      removeEventListener('offline', listener)
    }
  },
}

export interface ServeOptions {
  /** `createVerifier` of `tabstream/verify`, which the option `verify` of `connect()` needs (A5). Default: none. */
  verifier?: CreateVerifier
  /**
   * For a server that names an event's topic elsewhere than in a `: topic` line, as in the data. It is given the data as
   * the listeners get it: checked, where the event has to be signed. `undefined`, or what it throws, is no topic. It needs
   * the option `topics` of `connect()`. Default: none.
   */
  topicOf?: TopicOf
}

/**
 * Makes the worker that calls it the hub of one stream. The whole of an application's worker file:
 *
 * ```ts
 * import { serve } from 'tabstream/worker'
 * serve()
 * ```
 *
 * @throws TypeError outside a worker
 */
export const serve = ({ verifier, topicOf }: ServeOptions = {}): void => {
  const scope = globalThis as unknown as { onconnect?: unknown; importScripts?: unknown }
  const shared = 'onconnect' in scope
  if (!shared && !('importScripts' in scope))
    throw new TypeError('serve() belongs in a worker file; a page calls connect() from "tabstream".')
  const hub = createHub({
    platform,
    host: shared ? 'shared-worker' : 'worker',
    origin: location.origin,
    createVerifier: verifier ?? null,
    topicOf: topicOf ?? null,
  })

  const accept = (port: MessagePort) => {
    const remote = wrap<TabApi>(port)
    const release = () => {
      // The port closes first: comlink's release posts a message, and a message to a page in the back/forward cache
      // evicts the page. A dedicated Worker has no port, and closes itself.
      port.close()
      // Without a release, comlink leaks: its registry holds the port, whose listener holds the proxy that the registry
      // waits to see collected.
      remote[releaseProxy]()
    }
    // Calls go both ways over the one port. With comlink's `proxy()`, each callback would cost a channel (comlink#673).
    expose(hub.accept(remote as unknown as RemoteTab, release), port)
  }

  if (shared) addEventListener('connect', (event) => accept((event as MessageEvent).ports[0]!))
  else accept(globalThis as unknown as MessagePort)
}
