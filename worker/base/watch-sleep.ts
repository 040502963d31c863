import type { Platform } from './platform.ts'

/** ms between looks at the clock. */
const TICK = 2_000
/** ms by which a tick may be late in a busy worker: the timers of workers are at most 1.3 s late. */
const LATE = 5_000

export interface SleepWatch {
  close(): void
}

/** @param onWake the machine slept, or the browser was stopped: the wall clock jumped (S5) */
export const watchSleep = (platform: Pick<Platform, 'now' | 'after'>, onWake: () => void): SleepWatch => {
  let last = platform.now()
  let cancel = () => {}
  const tick = () => {
    const now = platform.now()
    const slept = now - last > TICK + LATE
    last = now
    cancel = platform.after(TICK, tick)
    if (slept) onWake()
  }
  tick()
  return { close: () => cancel() }
}
