import type { ConnectOptions, WorkerFactoryOptions } from './options.ts'

const ownWorker = (options: WorkerFactoryOptions): SharedWorker =>
  new SharedWorker(new URL('../worker/stream.worker.ts', import.meta.url), { ...options, type: 'module' })

/**
 * Gets a port to the key's hub: the SharedWorker of that name, started by whoever comes first.
 *
 * @param onFailed the worker's script could not be loaded or run
 * @throws TypeError there is no SharedWorker here, or the factory gave none
 */
export const openHost = (
  name: string,
  worker: ConnectOptions['worker'],
  onFailed: (message: string) => void,
): MessagePort => {
  if (typeof SharedWorker === 'undefined') throw new TypeError('tabstream: this browser has no SharedWorker.')
  const started = (worker?.shared ?? ownWorker)({ name })
  started.onerror = () =>
    onFailed(
      "The worker's script could not be loaded or run: check its URL, and worker-src in the Content-Security-Policy.",
    )
  return started.port
}
