import { localError } from './shared/local-error.ts'
import type { ErrorData, Status } from './shared/status.ts'

/** States that a stream does not leave by itself, or only after a minute. */
const FINAL = ['failed', 'superseded', 'closed']

/** The error that ended a stream; `null`: none has. */
export const endOf = ({ state, error }: Status): ErrorData | null =>
  FINAL.includes(state) ? (error ?? localError('worker', `The stream is ${state}.`, state)) : null

/**
 * Waits for what a status tells.
 *
 * @param outcome an error ends the wait; `null`: not yet
 * @param on hears that `outcome` may have changed
 * @param toError an error as the application hears it
 */
export const whenTold = (
  outcome: () => 'done' | ErrorData | null,
  on: (settle: () => void) => () => void,
  signal: AbortSignal | undefined,
  toError: (data: ErrorData) => Error,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = () => {
      const is = outcome()
      if (signal?.aborted) reject(signal.reason)
      else if (is === 'done') resolve()
      else if (is !== null) reject(toError(is))
      else return
      off()
      signal?.removeEventListener('abort', settle)
    }
    const off = on(settle)
    signal?.addEventListener('abort', settle)
    settle()
  })

/** See `Stream.opened`. @param toError an error as the application hears it */
export const whenOpen = (
  stream: { readonly status: Status; onStatus(listener: () => void): () => void },
  signal: AbortSignal | undefined,
  toError: (data: ErrorData) => Error,
): Promise<void> =>
  whenTold(
    () => (stream.status.state === 'open' ? 'done' : endOf(stream.status)),
    stream.onStatus,
    signal,
    toError,
  )
