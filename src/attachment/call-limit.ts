import { type Clock, withLimit } from '../shared/with-limit.ts'

/** ms for a call to a hub. comlink itself never settles a call whose other side has died. */
export const CALL_LIMIT = 10_000

/**
 * The page's timers, with a clock that stands still. A hidden page's timers run once a minute. With a real clock,
 * `withLimit` would take that for a freeze, and wait on.
 */
const pageClock: Clock = {
  now: () => 0,
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** @param what names the call in errors. @throws Error when `call` takes longer than `ms`, or what it rejects with */
export const limitHubCall = <T>(call: Promise<T>, what: string, ms = CALL_LIMIT): Promise<T> =>
  withLimit(pageClock, call, ms, () => new Error(`The worker did not answer ${what} within ${ms / 1_000} s.`))
