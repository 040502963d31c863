import type { ErrorData } from '../src/shared/status.ts'

/** Why a hub serves a tab no longer, or never did: an error that no retry mends. */
export const refusal = (kind: ErrorData['kind'], message: string, at: number): ErrorData => ({
  kind,
  message,
  retryable: false,
  state: kind === 'superseded' ? 'superseded' : 'failed',
  attempt: 0,
  status: null,
  lastEventId: '',
  at,
  cause: null,
})

/** T4. @param by, protocol the newer version, and that of this worker */
export const supersededBy = (by: number, protocol: number, at: number): ErrorData =>
  refusal('superseded', `Protocol ${by} is here, the worker's is ${protocol}. Reload the page.`, at)

/** A5 */
export const noVerifier = (at: number): ErrorData =>
  refusal(
    'signature',
    '`verify` is set, and this worker cannot: write serve({ verifier: createVerifier }) in your worker file, with ' +
      'createVerifier of "tabstream/verify", and give that file to `worker`.',
    at,
  )

/** A3: a worker file that drops the name which it is given is shared by all streams. */
export const anotherStream = (at: number): ErrorData =>
  refusal('worker', 'This worker serves another stream: pass the factory options on, with their name.', at)
