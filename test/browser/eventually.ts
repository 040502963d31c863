import { expect } from 'playwright/test'

export interface Patience {
  /** ms */
  timeout?: number
  /** What is waited for, for the report of a failure. */
  message?: string
}

/**
 * `expect.poll` that looks more often: Playwright's own pauses grow to 1 s, and a run waits several
 * hundred times. The default patience is for a busy machine, not a bound on the library.
 */
export const eventually = <T>(read: () => T | Promise<T>, patience: Patience = {}) =>
  expect.poll(read, { timeout: 10_000, intervals: [20, 50, 100, 200], ...patience })
