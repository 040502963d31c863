import { exponential, RETRY_CAP, RETRY_FIRST } from '../base/exponential.ts'
import { clampRetry, delay, offlineDelay } from './backoff.ts'

/** ms: the cap for a server that answers with a page, since only the user can mend that, by logging in. */
export const SELDOM_CAP = 300_000

/** ms from one question for a credential to the next, at first and at most. */
export const ASK_FIRST = 1_000
export const ASK_CAP = 60_000

/** What is known of an attempt that failed. */
export interface Failure {
  /** ms, a floor that the server asked for, or `null`. */
  retryAfter: number | null
  /** What the browser says of the network. */
  isOnline: boolean
  /** Whether time alone will hardly mend this. */
  isSeldom: boolean
}

/** How long to wait before the next attempt, by the attempts so far (S4, S5). The policy knows no clock. */
export interface RetryPolicy {
  /** Attempts in a row that came to nothing, the present one included. */
  attempts(): number
  /** An attempt begins. */
  begin(): void
  /** The stream has been healthy for 10 s, or somebody asked: the count starts over. */
  startOver(): void
  /** The next attempt only brings a new token (A2): the count stays where it is. */
  uncount(): void
  /** The server sent `retry:`, in ms. */
  setBase(ms: number): void
  /** @returns ms until the next attempt */
  wait(failure: Failure): number
  /** The server has ended a stream that was of use: the count starts over. @returns ms until the next attempt */
  waitAfterUse(): number
  /** @returns ms until the credentials are asked for the first time, once the server has refused what there is */
  waitForCredential(): number
}

/** @param random in [0, 1) */
export const createRetryPolicy = (random: () => number): RetryPolicy => {
  let attempts = 0
  let base = RETRY_FIRST
  const failed = () => Math.max(0, attempts - 1)

  return {
    attempts: () => attempts,
    begin() {
      attempts += 1
    },
    startOver() {
      attempts = 0
    },
    uncount() {
      attempts = failed()
    },
    setBase(ms) {
      base = clampRetry(ms)
    },
    wait({ retryAfter, isOnline, isSeldom }) {
      const ms = delay(failed(), base, retryAfter, random(), isSeldom ? SELDOM_CAP : RETRY_CAP)
      return isOnline ? ms : Math.max(ms, offlineDelay(failed(), random()))
    },
    waitAfterUse() {
      attempts = 0
      return Math.round(base * (0.5 + random()))
    },
    // The second attempt in a row is the one with a token that was obtained anew.
    waitForCredential: () => exponential(Math.max(0, attempts - 2), ASK_FIRST, ASK_CAP),
  }
}
