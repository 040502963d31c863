import type { WorkerFactories, WorkerFactoryOptions } from './worker-factory.ts'

/**
 * The kinds of host, best first. A browser refuses to connect to a SharedWorker that runs with another
 * `extendedLifetime`, as after a deploy. Then the second kind connects.
 */
export const HOST_KINDS = ['extended', 'shared', 'dedicated'] as const

export type HostKind = (typeof HOST_KINDS)[number]

/** A worker that runs, or is to run, a hub; comlink speaks both ways over its endpoint. */
export interface Host {
  endpoint: MessagePort | Worker
  /** Whether the worker lives and dies with this page. */
  dedicated: boolean
  /** The kinds that are left if this worker's script does not load. */
  others: readonly HostKind[]
  /** What the constructor of a better kind has thrown; `undefined`: none has. */
  refusal: unknown
  close(): void
}

/**
 * The worker's script could not be loaded or run.
 *
 * @param cause what the script has thrown, where the browser says so
 * @returns whether the tab leaves this worker for that. If not, the error is one of the running worker's own.
 */
export type OnFailed = (cause: string | null) => boolean

const ownShared = (options: WorkerFactoryOptions): SharedWorker =>
  new SharedWorker(new URL('../../worker/stream.worker.ts', import.meta.url), { ...options, type: 'module' })
const ownDedicated = (options: WorkerFactoryOptions): Worker =>
  new Worker(new URL('../../worker/stream.worker.ts', import.meta.url), { ...options, type: 'module' })

/** @returns `null`: the browser or the application has no such kind. @throws what the constructor throws */
const start = (
  kind: HostKind,
  name: string,
  worker: WorkerFactories,
  onFailed: OnFailed,
): Omit<Host, 'others' | 'refusal'> | null => {
  if (kind === 'dedicated') {
    if (worker.shared && !worker.dedicated) return null
    const dedicated = (worker.dedicated ?? ownDedicated)({ name })
    // What a Worker does not catch goes on to its page's `window.onerror` (HTML, 10.2.4, "report the error"), where the
    // application would take a script that the tab tries again for a fault of its own.
    dedicated.onerror = (event) => {
      if (onFailed(event.message ?? null)) event.preventDefault()
    }
    return { endpoint: dedicated, dedicated: true, close: () => dedicated.terminate() }
  }
  if (typeof SharedWorker === 'undefined' || (worker.dedicated && !worker.shared)) return null
  // With `extendedLifetime` the worker outlives a reload or a walk from page to page, in browsers that know the option.
  const options = kind === 'extended' ? { name, extendedLifetime: true } : { name }
  const shared = (worker.shared ?? ownShared)(options)
  shared.onerror = () => void onFailed(null)
  return { endpoint: shared.port, dedicated: false, close: () => shared.port.close() }
}

/**
 * A host of the first kind whose constructor does not throw. A constructor throws in a sandboxed iframe, for a script
 * of another origin, where cookies are blocked (Firefox), and under Trusted Types.
 *
 * @param kinds to try, in this order
 * @throws Error no kind is left; `cause`: what the last constructor has thrown
 */
export const openHost = (
  kinds: readonly HostKind[],
  name: string,
  worker: WorkerFactories = {},
  onFailed: OnFailed,
): Host => {
  let cause: unknown
  for (const [index, kind] of kinds.entries())
    try {
      const host = start(kind, name, worker, onFailed)
      if (host !== null) return { ...host, others: kinds.slice(index + 1), refusal: cause }
    } catch (error) {
      cause = error
    }
  throw new Error('No worker can be started here.', { cause })
}
