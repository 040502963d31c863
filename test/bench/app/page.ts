import { createClock } from './clock.ts'
import { bareWorker } from './startup.ts'
import { comlinkCallback } from './variants/comlink-callback.ts'
import { leaderTab } from './variants/leader-tab.ts'
import { nativeEventSource } from './variants/native.ts'
import { postMessageEach } from './variants/post-message-each.ts'
import { rawBatches } from './variants/raw-batches.ts'
import { tabElection } from './variants/tab-election.ts'
import { openTabstream } from './variants/tabstream.ts'
import type { OpenVariant } from './variants/variant.ts'
import { countWakeUps } from './wake-ups.ts'

countWakeUps()

const variants: Record<string, OpenVariant> = {
  tabstream: openTabstream({}),
  'tabstream, coalesce: 0': openTabstream({ coalesce: 0 }),
  'tabstream, from the start': openTabstream({ from: 'start' }),
  // With the default for hidden tabs.
  'tabstream, hidden': openTabstream({ hidden: {} }),
  'tabstream, every type': openTabstream({}, '*'),
  'tabstream, attached': openTabstream({}, 'message', 'attached'),
  /** No stream at all. */
  blank: (_, { opened }) => opened(),
  native: nativeEventSource,
  'postMessage each': postMessageEach,
  'leader tab': leaderTab,
  'tab-election': tabElection,
  'comlink callback': comlinkCallback,
  'raw batches': rawBatches,
}

interface Payload {
  n: number
  /** When the server sent it, in ms since 1970 with fractions; 0: not measured. */
  t: number
}

const clock = createClock()

const heard = {
  /** Of events. */
  count: 0,
  /** Events that did not come right after the one before: lost, twice, or out of order. */
  misplaced: 0,
  last: 0,
  lastAt: 0,
  /** ms, each; only those of events that carry a time. */
  latencies: [] as number[],
  longTasks: [] as number[],
  complaints: [] as string[],
}

let awaited = { n: 0, resolve: () => {} }

const hear = (data: string) => {
  const { n, t } = JSON.parse(data) as Payload
  if (n !== heard.last + 1) heard.misplaced++
  heard.last = n
  heard.count++
  heard.lastAt = clock()
  if (t > 0) heard.latencies.push(heard.lastAt - t)
  if (n === awaited.n) awaited.resolve()
}

if (PerformanceObserver.supportedEntryTypes.includes('longtask'))
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) heard.longTasks.push(duration)
  }).observe({ type: 'longtask' })

const complain = (what: string) => heard.complaints.push(what)

const bench = {
  heard,
  /** Resolves once the stream is open. @returns ms that it took */
  async open(variant: string, run: string): Promise<number> {
    const startedAt = performance.now()
    await new Promise<void>((opened) =>
      variants[variant]!(`/stream?run=${run}`, { run, hear, opened, complain }),
    )
    return performance.now() - startedAt
  },
  /** Resolves once the first event of a stream is heard that begins with one. @returns when it was asked for, and ms */
  async firstEvent(variant: string, run: string): Promise<{ at: number; ms: number }> {
    const at = clock()
    await new Promise<void>((resolve) =>
      variants[variant]!(`/stream?run=${run}&greet`, { run, hear: () => resolve(), opened() {}, complain }),
    )
    return { at, ms: clock() - at }
  },
  bareWorker,
  setHidden(hidden: boolean) {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  },
  /** Comes into view. @returns ms until the event of this number was heard */
  async show(n: number): Promise<number> {
    const shownAt = performance.now()
    bench.setHidden(false)
    await bench.until(n)
    return performance.now() - shownAt
  },
  /** Resolves once the event of this number was heard. */
  until: (n: number) =>
    new Promise<void>((resolve) => {
      if (heard.last >= n) return resolve()
      awaited = { n, resolve }
    }),
  /** Forgets what was heard, but the place in the stream. */
  clear: () => Object.assign(heard, { count: 0, misplaced: 0, latencies: [], longTasks: [] }),
}

declare global {
  interface Window {
    bench: typeof bench
  }
}
window.bench = bench
