import { BACKOFF_BASE, clampRetry, delay } from './backoff.ts'

/** What the attempts so far mean for the wait before the next one (S4). Knows no clock. */
export interface RetryPolicy {
  /** Attempts in a row without 10 s of health, the present one included. */
  attempts(): number
  /** An attempt begins. */
  begin(): void
  /** The stream has been healthy for 10 s, or somebody asked: the count starts over. */
  startOver(): void
  /** The next attempt only brings a new token (A2): the count stays where it is. */
  uncount(): void
  /** The server sent `retry:`, in ms. */
  setBase(ms: number): void
  /**
   * @param retryAfter ms, a floor that the server asked for, or `null`
   * @returns ms to wait
   */
  wait(retryAfter: number | null): number
}

/** @param random in [0, 1) */
export const createRetryPolicy = (random: () => number): RetryPolicy => {
  let attempts = 0
  let base = BACKOFF_BASE
  return {
    attempts: () => attempts,
    begin() {
      attempts += 1
    },
    startOver() {
      attempts = 0
    },
    uncount() {
      attempts = Math.max(0, attempts - 1)
    },
    setBase(ms) {
      base = clampRetry(ms)
    },
    wait: (retryAfter) => delay(Math.max(0, attempts - 1), base, retryAfter, random()),
  }
}
