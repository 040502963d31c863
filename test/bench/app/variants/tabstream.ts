import { type ConnectOptions, connect, type WorkerFactoryOptions } from 'tabstream'
import type { OpenVariant } from './variant.ts'

const shared = (options: WorkerFactoryOptions) =>
  new SharedWorker(new URL('../workers/tabstream.ts', import.meta.url), { ...options, type: 'module' })

/** With the default options, and what differs; `opened` once attached to the worker, or once the stream is open. */
export const openTabstream =
  (options: Partial<ConnectOptions>, type = 'message', until: 'open' | 'attached' = 'open'): OpenVariant =>
  (url, { run, hear, opened, complain }) => {
    // What every variant does is to parse: here the library would, before the listener.
    const stream = connect<Record<string, string>>(url, {
      user: run,
      worker: { shared },
      parse: (data) => data,
      // Most tabs of a bench are hidden, which must not flatter the figures (H1).
      hidden: { every: 0 },
      ...options,
    })
    stream.on(type, hear)
    stream.onReset(({ reason }) => complain(`reset: ${reason}`))
    stream.onError(({ message }) => complain(message))
    const off = stream.onStatus(({ state }) => {
      if (until === 'open' && state !== 'open') return
      off()
      opened()
    })
  }
