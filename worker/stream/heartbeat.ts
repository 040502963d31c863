import { LONGEST_TIMER, type Platform } from '../base/platform.ts'

/** How long a stream may be silent, in ms. */
export interface Limits {
  /** The silence after which the `n`-th sign of life is missed, `n` from 1; it grows with `n`. */
  missAfter(n: number): number
  /** With so many missed signs of life in a row the stream is dead. */
  misses: number
}

/** ms, the limit for a server that has shown no rhythm. It may have nothing to say, or the line may be cut. */
const SILENT_BY_NATURE = 300_000
/** ms, the shortest limit that a rhythm leads to. */
const SHORTEST = 10_000

/** S3: limits that the application has set. */
export const fixedLimits = (timeout: number, misses: number): Limits => ({
  missAfter: (n) => n * timeout,
  misses,
})

/** S3, R2: the limits for an answer to begin, where the application has set none. */
export const ANSWER_LIMITS = fixedLimits(20_000, 2)

/**
 * S3: the limits for a server whose signs of life come at most `period` ms apart. After one and a half periods of
 * silence a sign counts as missed, after two and a half the stream is dead. `null`: the server has shown no rhythm.
 */
export const learnedLimits = (period: number | null): Limits =>
  period === null
    ? fixedLimits(SILENT_BY_NATURE, 1)
    : {
        missAfter: (n) => Math.max(SHORTEST, (n + 0.5) * period),
        misses: 2,
      }

export interface HeartbeatOptions {
  limits: Limits
  /** Whether the stream is being read. If not, silence says nothing of the server. */
  isReading(): boolean
  /** @param missed signs of life in a row; 0: a byte has come again */
  onMiss(missed: number): void
  /** @param silence ms without a byte */
  onDead(silence: number): void
}

export interface Heartbeat {
  /** A byte came. */
  beat(): void
  /** Replaces the limits, and checks the silence against the new ones. */
  setLimits(limits: Limits): void
  /** Checks the silence now: timers stand still while a machine sleeps. */
  check(): void
  close(): void
}

/**
 * S3: any byte, a comment included, is a sign of life. There is one timer, which is set anew when it fires, not at
 * every byte: a busy stream has thousands of chunks a second.
 */
export const watchHeartbeat = (
  platform: Pick<Platform, 'now' | 'after'>,
  { isReading, onMiss, onDead, ...options }: HeartbeatOptions,
): Heartbeat => {
  let { limits } = options
  let lastByteAt = platform.now()
  let missed = 0
  let cancel = () => {}

  const check = () => {
    cancel()
    const now = platform.now()
    // If the wall clock is set back, the watch starts over. Otherwise it would sleep for the difference.
    if (now < lastByteAt || !isReading()) lastByteAt = now
    const silence = now - lastByteAt
    const before = missed
    while (missed < limits.misses && silence >= limits.missAfter(missed + 1)) missed += 1
    if (missed > before) {
      onMiss(missed)
      if (missed >= limits.misses) return onDead(silence)
    }
    // `timeout: Infinity` switches the watch off.
    const ms = limits.missAfter(missed + 1) - silence
    cancel = platform.after(Math.min(LONGEST_TIMER, Math.max(1, ms)), check)
  }
  check()

  return {
    beat() {
      lastByteAt = platform.now()
      if (missed === 0) return
      missed = 0
      onMiss(0)
    },
    setLimits(next) {
      limits = next
      check()
    },
    check,
    close: () => cancel(),
  }
}
