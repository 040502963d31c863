import type { BrowserContext } from 'playwright/test'
import type { Tab } from './tab.ts'

declare global {
  interface Window {
    swapWorkers: () => void
  }
}

/**
 * Lets SharedWorkers of this profile be replaced behind their tabs' backs, as WebKit does when a worker's
 * process ends: the page keeps its port, another run of the worker answers at it, and neither an event nor a
 * lock tells. Each page has a channel between the library and the worker, and a swap changes what is behind.
 * (A worker that forgot itself would do as well, but for its timers, locks and requests, which would live on.)
 */
export const makeSwappable = (context: BrowserContext) =>
  context.addInitScript(() => {
    const Shared = window.SharedWorker
    const starts: ((suffix: string) => void)[] = []
    let swaps = 0
    window.swapWorkers = () => {
      swaps++
      for (const start of starts.splice(0)) start(`~${swaps}`)
    }
    const facade = (url: string | URL, options: WorkerOptions) => {
      const { port1: port, port2: behind } = new MessageChannel()
      const worker: { port: MessagePort; onerror: ((event: Event) => void) | null } = { port, onerror: null }
      let real: SharedWorker | undefined
      const start = (suffix: string) => {
        real?.port.close()
        const next = new Shared(url, { ...options, name: options.name + suffix })
        next.onerror = (event) => worker.onerror?.(event)
        next.port.onmessage = ({ data, ports }) => behind.postMessage(data, [...ports])
        real = next
        starts.push(start)
      }
      behind.onmessage = ({ data, ports }) => real!.port.postMessage(data, [...ports])
      start('')
      return worker
    }
    window.SharedWorker = new Proxy(Shared, {
      construct: (_, [url, options]) => facade(url as string, options as WorkerOptions),
    })

    // The queue for the hub's lock would tell within milliseconds, here as everywhere that has locks.
    const { locks } = navigator
    const request = locks.request.bind(locks) as (...args: unknown[]) => Promise<unknown>
    locks.request = ((name: string, ...rest: unknown[]) =>
      name.startsWith('tabstream:hub:')
        ? new Promise(() => {})
        : request(name, ...rest)) as typeof locks.request
  })

/** The worker is another from here on. Every tab of the profile that has a client must be among these. */
export const swapWorkers = async (tabs: Tab[]) => {
  await tabs[0]!.harm('close')
  await Promise.all(tabs.map(({ page }) => page.evaluate(() => window.swapWorkers())))
}
