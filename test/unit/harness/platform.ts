import type { Platform } from '../../../worker/base/platform.ts'
import { createRandom } from '../../random.ts'
import { createFakeChannels } from './channels.ts'
import { createFakeLocks } from './locks.ts'
import { createFakeServer } from './server.ts'
import { settle } from './turns.ts'

/** Beyond it a real `setTimeout` fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1
export const START = Date.UTC(2026, 0, 1)

export const createFakePlatform = (seed = 1) => {
  /** Monotonic, as timers count; the wall clock can be set apart from it. */
  let elapsed = 0
  let wall = START
  let uuids = 0
  let online = true
  let fixed: number | null = null
  const random = createRandom(seed)
  const timers = new Set<{ at: number; run: () => void }>()
  const connectivity = new Set<() => void>()
  const locks = createFakeLocks()
  const server = createFakeServer(() => START + elapsed)
  const channels = createFakeChannels()

  const platform: Platform = {
    now: () => wall + elapsed,
    random: () => fixed ?? random(),
    uuid: () => `uuid-${++uuids}`,
    after(ms, run) {
      const timer = { at: elapsed + (ms <= LONGEST_TIMER ? Math.max(0, ms) : 1), run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    fetch: server.fetch,
    locks,
    openChannel: channels.open,
    isOnline: () => online,
    onConnectivity(listener) {
      connectivity.add(listener)
      return () => void connectivity.delete(listener)
    },
  }

  const earliest = () =>
    [...timers].reduce<{ at: number; run: () => void } | null>(
      (first, timer) => (first === null || timer.at < first.at ? timer : first),
      null,
    )

  return {
    ...platform,
    locks,
    server,
    channels,
    /** Runs what falls due, in order, and what follows from it. */
    async advance(ms: number, turns?: number) {
      const target = elapsed + ms
      let ran = 0
      await settle(turns)
      for (let due = earliest(); due !== null && due.at <= target; due = earliest()) {
        timers.delete(due)
        if (++ran > 20_000) throw new Error(`Timers run without end: ${due.run}`)
        elapsed = Math.max(elapsed, due.at)
        due.run()
        await settle(turns)
      }
      elapsed = target
    },
    /** Sets the wall clock, and no timer notices. */
    setClock(by: number) {
      wall += by
    },
    /** When the next timer is due, in ms from now. */
    nextTimer: () => (timers.size === 0 ? null : earliest()!.at - elapsed),
    timers: () => timers.size,
    connectivityListeners: () => connectivity.size,
    setOnline(value: boolean, how: 'told' | 'silently' = 'told') {
      online = value
      if (how === 'silently') return
      for (const listener of connectivity) listener()
    },
    /** Every draw from now on; `null`: seeded again. */
    setRandom(value: number | null) {
      fixed = value
    },
  }
}

export type FakePlatform = ReturnType<typeof createFakePlatform>
