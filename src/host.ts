import type { ConnectOptions, WorkerFactoryOptions } from './options.ts'

/** A connection to a hub, over which comlink speaks both ways. */
export interface Host {
  port: MessagePort
  close(): void
}

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
): Host => {
  if (typeof SharedWorker === 'undefined') throw new TypeError('tabstream: this browser has no SharedWorker.')
  const started = (worker?.shared ?? ownWorker)({ name })
  started.onerror = (event) => {
    const words = (event as ErrorEvent).message
    onFailed(
      "The worker's script could not be loaded or run. Check that its URL answers with JavaScript, and that " +
        `the Content-Security-Policy allows it (worker-src).${words ? ` It said: ${words}` : ''}`,
    )
  }
  const { port } = started
  return { port, close: () => port.close() }
}
