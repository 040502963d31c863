import { exponential, RETRY_CAP } from '../base/exponential.ts'

/** ms: the bounds of the server's `retry:` (S4). */
const RETRY_MIN = 100
const RETRY_MAX = 60_000

/** S5: ms between two attempts while the browser says that it is offline, at first and at most. */
const OFFLINE_BASE = 10_000
const OFFLINE_CAP = 30_000

/** The server's `retry:` sets the base, within 0.1 to 60 s: 0 would hammer the server, a day would look dead. */
export const clampRetry = (ms: number): number => Math.min(RETRY_MAX, Math.max(RETRY_MIN, ms))

/**
 * Full jitter: the wait is anything from 0 to the exponential bound, so that clients dropped together come back apart.
 *
 * @param attempt attempts in a row that came to nothing; 0 before the first retry
 * @param base ms, the bound of the first retry
 * @param retryAfter ms, a floor that the server asked for, or `null`
 * @param random in [0, 1)
 * @param cap ms, the bound's bound
 * @returns ms to wait
 */
export const delay = (
  attempt: number,
  base: number,
  retryAfter: number | null,
  random: number,
  cap = RETRY_CAP,
): number => {
  const bound = exponential(attempt, base, Math.max(cap, base))
  const jittered = random * bound
  // The jitter is added to the floor: a crowd that was told "5 s" must not return as one.
  return Math.round(retryAfter === null ? jittered : retryAfter + random * Math.min(base, bound))
}

/**
 * S5: what the browser says of the network is wrong with some VPNs, captive portals and virtual adapters. So attempts
 * go on. They are rare, since each of them is in vain if there is indeed no network.
 *
 * @param attempt attempts in a row that came to nothing
 * @param random in [0, 1)
 * @returns ms to wait, at least 10 s and at most 30 s
 */
export const offlineDelay = (attempt: number, random: number): number =>
  Math.round(Math.min(OFFLINE_CAP, exponential(attempt, OFFLINE_BASE, OFFLINE_CAP) * (1 + random / 5)))
