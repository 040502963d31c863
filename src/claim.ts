import type { Remote } from 'comlink'
import { retryAfter } from './attachment/retry.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { ClaimHandler } from './claims/run.ts'
import type { Payloads } from './delivery/payloads.ts'
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

/**
 * The code of claims is in a file of its own, which the first claim loads: a page pays for what it uses.
 *
 * @param onMissing the file does not load. It is tried again with backoff.
 */
export const createClaim = (core: ClaimCore, onMissing: (cause: unknown) => void): ClaimOf => {
  const load = async () => (await import('./claims/index.ts')).createClaims(core)
  let loaded: ReturnType<typeof load> | undefined

  return (topic, type, handler, options) => {
    checkMode(options)
    const stop = new AbortController()
    const since = Date.now()
    const attempt = (failures: number) => {
      loaded ??= load()
      loaded.then(
        ({ add }) => add({ topic, type, handler, options, since }, stop.signal),
        (cause) => {
          loaded = undefined
          onMissing(cause)
          setTimeout(attempt, retryAfter(failures), failures + 1)
        },
      )
    }
    attempt(0)
    return () => stop.abort()
  }
}
