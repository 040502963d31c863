import type { ErrorData, ErrorKind, StreamState } from './status.ts'

/** An error of the page's own side, where no attempt and no position is involved. */
export const localError = (
  kind: ErrorKind,
  message: string,
  state: StreamState,
  retryable = false,
): ErrorData => ({
  kind,
  message,
  retryable,
  state,
  attempt: 0,
  status: null,
  lastEventId: '',
  at: Date.now(),
  cause: null,
})
