import { vi } from 'vitest'
import type { WorkerFactoryOptions } from '../../../src/attachment/worker-factory.ts'
import type { Stream } from '../../../src/index.ts'
import { connect } from '../../../src/index.ts'
import type { ConnectOptions } from '../../../src/options.ts'
import { createFakeLocks, type FakeLocks } from './locks.ts'
import { until } from './turns.ts'

/** The globals of a page, driven by hand. One page a test file's run: the client reads them as they are. */
export const openPage = (locks: FakeLocks = createFakeLocks()) => {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { baseURI: 'https://app.test/pages/one', hidden: false })
  const reported: unknown[] = []
  const workers: { name: string; onerror: ((event: unknown) => void) | null }[] = []
  const streams: { close(): void }[] = []
  vi.stubGlobal('document', document)
  vi.stubGlobal('navigator', { locks })
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  vi.stubGlobal('reportError', (error: unknown) => void reported.push(error))
  vi.stubGlobal('SharedWorker', class {})
  // A page without Worker is none; this one's content policy allows none.
  vi.stubGlobal(
    'Worker',
    class {
      constructor() {
        throw new DOMException('Refused by the test.', 'SecurityError')
      }
    },
  )

  return {
    locks,
    reported,
    workers,
    /** `new SharedWorker(...)`, whose port is the other end of what a hub listens to. */
    factory: (port: () => MessagePort) => (options: WorkerFactoryOptions) => {
      const worker = { name: options.name, onerror: null, port: port() }
      workers.push(worker)
      return worker as unknown as SharedWorker
    },
    connect<Events extends object>(url: string, options: ConnectOptions): Stream<Events> {
      const stream = connect<Events>(url, options)
      streams.push(stream)
      return stream
    },
    setVisible(visible: boolean) {
      document.hidden = !visible
      document.dispatchEvent(new Event('visibilitychange'))
    },
    online: () => window.dispatchEvent(new Event('online')),
    hide: () => window.dispatchEvent(new Event('pagehide')),
    /** `persisted`: out of the back/forward cache. */
    show: (persisted: boolean) =>
      window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }) as unknown as Event),
    close() {
      for (const stream of streams) stream.close()
      vi.unstubAllGlobals()
    },
  }
}

export type Page = ReturnType<typeof openPage>

export const opened = (stream: Stream<never> | Stream<Record<string, unknown>>) =>
  until(() => stream.status.state === 'open', 'an open stream')
