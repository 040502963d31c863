import type { ErrorData } from '../src/shared/status.ts'

/** Why a hub does not serve a tab, or serves it no longer. No retry mends this error. */
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
  topic: null,
})

/**
 * The tab and this worker speak different protocols (T4). @param by the other protocol @param protocol this worker's
 */
export const supersededBy = (by: number, protocol: number, at: number): ErrorData =>
  refusal('superseded', `Protocol ${by} is here, the worker's is ${protocol}. Reload the page.`, at)

/** The page asks for `verify`, and this worker file has no verifier (A5). */
export const noVerifier = (at: number): ErrorData =>
  refusal(
    'signature',
    '`verify` is set, and this worker has no verifier: write serve({ verifier: createVerifier }) in your worker file, ' +
      'with createVerifier of "tabstream/verify", and give that file to `worker`.',
    at,
  )

/** The worker serves another key already (A3): a worker factory that drops the given name shares one worker. */
export const anotherStream = (at: number): ErrorData =>
  refusal('worker', 'This worker serves another stream: pass the factory options on, with their name.', at)
