import type { ErrorData, ErrorKind, StreamState } from './status.ts'

/**
 * An error of the page's own side, where no attempt and no position is involved.
 *
 * @param cause the platform's own words, where there are any
 */
export const localError = (
  kind: ErrorKind,
  message: string,
  state: StreamState,
  retryable = false,
  cause: string | null = null,
): ErrorData => ({
  kind,
  message,
  retryable,
  state,
  attempt: 0,
  status: null,
  lastEventId: '',
  at: Date.now(),
  cause,
  topic: null,
})
