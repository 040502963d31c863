import { setTimeout as pause } from 'node:timers/promises'
import type { Proxy as TcpProxy } from '../browser/proxy.ts'
import type { Span } from './hub-states.ts'

/** ms between two cuts. */
const EVERY = 60_000
/** ms from the start to the first one. */
const FIRST_AFTER = 30_000
/** ms that the line is down, where it is. */
const DOWN = 3_000
/** Bytes of an event that arrive before it is cut through. */
const HALF_AN_EVENT = 100

const KINDS: ((proxy: TcpProxy) => void | Promise<void>)[] = [
  (proxy) => proxy.cut('reset'),
  (proxy) => proxy.cut('end'),
  (proxy) => proxy.cutAfter(HALF_AN_EVENT, 'reset'),
  async (proxy) => {
    proxy.refuse()
    proxy.cut('reset')
    await pause(DOWN)
    proxy.restore()
  },
]

/** Cuts the line of every browser once a minute: broken, closed tidily, in mid-event, and down for 3 s, in turn. */
export interface Cuts {
  /** When the line was cut, until it served again: ms since 1970. */
  made(): readonly Span[]
  /** Makes the cut that is due by now, if one is, and resolves once the line serves again. */
  makeDue(now: number): Promise<void>
}

export const createCuts = (proxy: TcpProxy, start: number): Cuts => {
  const made: Span[] = []
  return {
    made: () => made,
    async makeDue(now) {
      if (now < start + FIRST_AFTER + made.length * EVERY) return
      const from = Date.now()
      await KINDS[made.length % KINDS.length]!(proxy)
      made.push({ from, to: Date.now() })
    },
  }
}
