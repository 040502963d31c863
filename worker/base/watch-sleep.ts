import type { Platform } from './platform.ts'

/** ms between looks at the clock. Each look wakes the machine (P11). */
const TICK = 10_000
/** ms by which a tick may be late in a busy worker: the timers of workers are at most 1.3 s late. */
const LATE = 5_000

export interface SleepWatch {
  /** Looks at the clock now: a tab has pinged, which a tab in view does every 2 s. */
  look(): void
  close(): void
}

/** @param onWake the machine slept, or the browser was stopped: the wall clock jumped (S5) */
export const watchSleep = (platform: Pick<Platform, 'now' | 'after'>, onWake: () => void): SleepWatch => {
  let lastTick = platform.now()
  let cancel = () => {}
  const isOverdue = () => platform.now() - lastTick > TICK + LATE
  const tick = () => {
    const slept = isOverdue()
    cancel()
    lastTick = platform.now()
    cancel = platform.after(TICK, tick)
    if (slept) onWake()
  }
  tick()
  return {
    look() {
      if (isOverdue()) tick()
    },
    close: () => cancel(),
  }
}
