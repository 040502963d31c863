import { LONGEST_TIMER, type Platform } from '../base/platform.ts'

export interface HeartbeatOptions {
  /** ms without a byte after which the stream is degraded. */
  timeout: number
  /** Timeouts in a row after which it is dead. */
  misses: number
  /** `missed` 0: a byte came after silence. */
  onMiss(missed: number): void
  onDead(): void
}

export interface Heartbeat {
  /** A byte came. */
  beat(): void
  /** Looks now: timers stand still while a machine sleeps. */
  check(): void
  close(): void
}

/**
 * S3: any byte, a comment included, is a sign of life. One timer, re-armed when it fires rather than at every
 * byte: a busy stream has thousands of chunks a second.
 */
export const watchHeartbeat = (
  platform: Pick<Platform, 'now' | 'after'>,
  { timeout, misses, onMiss, onDead }: HeartbeatOptions,
): Heartbeat => {
  let lastByteAt = platform.now()
  let missed = 0

  const check = () => {
    const silence = platform.now() - lastByteAt
    // The wall clock can be set back; the watch then starts over rather than sleeping for the difference.
    if (silence < 0) lastByteAt = platform.now()
    const now = Math.floor(silence / timeout)
    if (now > missed) {
      missed = now
      onMiss(missed)
      if (missed >= misses) return onDead()
    }
    arm((missed + 1) * timeout - Math.max(0, silence))
  }
  let cancel = () => {}
  // `timeout: Infinity` switches the watch off.
  const arm = (ms: number) => {
    cancel = platform.after(Math.min(LONGEST_TIMER, Math.max(1, ms)), check)
  }
  arm(timeout)

  return {
    beat() {
      lastByteAt = platform.now()
      if (missed === 0) return
      missed = 0
      onMiss(0)
    },
    check() {
      cancel()
      check()
    },
    close: () => cancel(),
  }
}
