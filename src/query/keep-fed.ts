import type { Off } from '../stream.ts'
import { createFeed, type Fed, isLive } from './feed.ts'

/** Where a value is shown that is followed for as long as somebody looks. */
export interface Sink {
  set(value: unknown): void
  update(change: (value: unknown) => unknown): void
  fail(error: unknown): void
}

/** Pauses between attempts, in ms. */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 60_000

/** Fetches a value, and lets events change it. A load that fails is tried again. @returns ends it */
export const keepFed = (fed: Fed, sink: Sink): Off => {
  const { source, on } = fed
  const feed = createFeed()
  const end = new AbortController()
  let hasValue = false
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const load = async (): Promise<void> => {
    if (feed.loads() > 0) return
    clearTimeout(timer)
    try {
      const value = await feed.fetch(fed, end.signal)
      if (end.signal.aborted) return
      failures = 0
      hasValue = true
      sink.set(value)
      if (feed.isOutdated()) void load()
    } catch (error) {
      if (end.signal.aborted) return
      sink.fail(error)
      timer = setTimeout(load, Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures++))
    }
  }
  const offs = Object.entries(on).map(([type, change]) =>
    source.on(type, (payload, event) => {
      if (change === 'invalidate') {
        feed.outdate(event)
        void load()
      } else if (hasValue) sink.update((value) => change(value, payload, event))
    }),
  )
  offs.push(
    source.onReset((reset) => {
      feed.outdate(reset)
      void load()
    }),
    source.onStatus(() => {
      if (!isLive(source) || feed.isRight(source)) return
      feed.outdate()
      void load()
    }),
  )
  void load()
  return () => {
    end.abort()
    clearTimeout(timer)
    for (const off of offs) off()
  }
}
