import type { Remote } from 'comlink'
import type { ClaimOptions } from './claim-options.ts'
import type { Claims } from './claims/index.ts'
import type { ClaimHandler } from './claims/run.ts'
import type { Payloads } from './delivery/payloads.ts'
import type { OnDemand } from './on-demand.ts'
import type { HubApi } from './shared/protocol.ts'
import type { Off } from './stream.ts'

/** What `claims.js` is handed of a stream. */
export interface ClaimCore {
  /** Calls the hub, and the next one if it dies, as `Attachment.call` does. */
  call<T>(what: string, run: (hub: Remote<HubApi>) => Promise<T>, ms: number): Promise<T>
  /** Of the stream (A3). Rejects where the page can have no stream. */
  key: Promise<string>
  withPayload: Payloads['of']
  /** Aborts when the stream is closed, and when the user signs out. */
  ended: AbortSignal
}

/** `claim()` of a stream (`topic` is `null`) or of a topic. @throws TypeError there is no such mode */
export type ClaimOf = (
  topic: string | null,
  type: string,
  handler: ClaimHandler,
  options: ClaimOptions,
) => Off

/** @throws TypeError with the choice */
export const checkMode = (options: ClaimOptions | undefined): void => {
  if (!/^at-(mo|lea)st-once$/.test(options?.mode as string))
    throw new TypeError("claim(): mode is 'at-most-once' or 'at-least-once'.")
}

/** `claim()`, whose code is in a file of its own: a page pays for what it uses. */
export const createClaim =
  ({ begin }: OnDemand<Claims>): ClaimOf =>
  (topic, type, handler, options) => {
    checkMode(options)
    const since = Date.now()
    return begin(({ add }, signal) => add({ topic, type, handler, options, since }, signal))
  }
