import type { WorkerFactories, WorkerFactoryOptions } from './worker-factory.ts'

/** A worker that runs, or is to run, a hub; comlink speaks both ways over its endpoint. */
export interface Host {
  endpoint: MessagePort | Worker
  /** It lives and dies with this page. */
  dedicated: boolean
  close(): void
}

/**
 * The kinds of host, best first; each is taken where the one before is missing or fails to load. A browser
 * refuses a SharedWorker that runs already with another `extendedLifetime`: after a deploy, the second kind.
 */
const HOST_KINDS = ['extended', 'shared', 'dedicated'] as const

const ownShared = (options: WorkerFactoryOptions): SharedWorker =>
  new SharedWorker(new URL('../../worker/stream.worker.ts', import.meta.url), { ...options, type: 'module' })
const ownDedicated = (options: WorkerFactoryOptions): Worker =>
  new Worker(new URL('../../worker/stream.worker.ts', import.meta.url), { ...options, type: 'module' })

/**
 * @param hostKind index into the kinds of host
 * @param onFailed the worker's script could not be loaded or run this way
 * @returns `null`: there is no such kind
 */
export const openHost = (
  hostKind: number,
  name: string,
  worker: WorkerFactories = {},
  onFailed: () => void,
): Host | null => {
  const kind = HOST_KINDS[hostKind]
  if (kind === undefined) return null
  if (kind !== 'dedicated') {
    if (typeof SharedWorker === 'undefined' || (worker.dedicated && !worker.shared))
      return openHost(hostKind + 1, name, worker, onFailed)
    // Outlives a reload, or a walk from page to page, where the browser knows it.
    const shared = (worker.shared ?? ownShared)(
      kind === 'extended' ? { name, extendedLifetime: true } : { name },
    )
    shared.onerror = onFailed
    return { endpoint: shared.port, dedicated: false, close: () => shared.port.close() }
  }
  if (worker.shared && !worker.dedicated) return null
  const dedicated = (worker.dedicated ?? ownDedicated)({ name })
  dedicated.onerror = onFailed
  return { endpoint: dedicated, dedicated: true, close: () => dedicated.terminate() }
}
