import type { ClaimMode } from './shared/claims.ts'

export type { ClaimMode } from './shared/claims.ts'

export interface ClaimOptions {
  /**
   * `'at-most-once'`: the event is never handled twice, and not at all if the tab dies over it (a bell). `'at-least-once'`:
   * the event is handled until the handler resolves, and perhaps twice (a request to your server). There is no default.
   */
  mode: ClaimMode
  /** Tells apart several claims of one type, each of which has every event. At most 200 characters. Default: none. */
  name?: string
  /** ms for one run of the handler. Default 30,000. */
  timeout?: number
  /** How many runs an event has at least once before it is given up. Default 5. */
  attempts?: number
  /** What came while no tab of this browser had the claim. Default: `'skip'` at most once, `'handle'` at least once. */
  missed?: 'skip' | 'handle'
}

/** What a handler is told of its run. */
export interface ClaimContext {
  /** Aborts when the run is out of time, when the claim is given up, and when the stream is closed or signed out. */
  signal: AbortSignal
  /** Counts the runs of this event, from 1. */
  attempt: number
}
