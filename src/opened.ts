import { localError } from './shared/local-error.ts'
import type { ErrorData, Status } from './shared/status.ts'

/** States that a stream does not leave by itself, or only after a minute. */
const FINAL = ['failed', 'superseded', 'closed']

/** See `Stream.opened`. @param toError an error as the application hears it */
export const whenOpen = (
  stream: { readonly status: Status; onStatus(listener: (status: Status) => void): () => void },
  signal: AbortSignal | undefined,
  toError: (data: ErrorData) => Error,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = () => {
      const { state, error } = stream.status
      if (signal?.aborted) reject(signal.reason)
      else if (state === 'open') resolve()
      else if (FINAL.includes(state))
        reject(toError(error ?? localError('worker', `The stream is ${state}.`, state)))
      else return
      off()
      signal?.removeEventListener('abort', settle)
    }
    const off = stream.onStatus(settle)
    signal?.addEventListener('abort', settle)
    settle()
  })
