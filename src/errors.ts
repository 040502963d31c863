import type { ErrorData, ErrorKind, StreamState } from './protocol.ts'

/** What `onError` hears. `kind` says what went wrong, `retryable` whether the library goes on by itself. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly kind: ErrorKind
  readonly retryable: boolean
  readonly state: StreamState
  /** Attempts in a row without 10 s of health, this one included. */
  readonly attempt: number
  /** The HTTP status, where there was one. */
  readonly status: number | null
  readonly lastEventId: string
  /** In ms since 1970. */
  readonly at: number

  constructor(data: ErrorData, cause: unknown = data.cause) {
    super(data.message, cause === null ? undefined : { cause })
    this.kind = data.kind
    this.retryable = data.retryable
    this.state = data.state
    this.attempt = data.attempt
    this.status = data.status
    this.lastEventId = data.lastEventId
    this.at = data.at
  }
}

/** An error of the page's own side, where no attempt and no position is involved. */
export const localError = (
  kind: ErrorKind,
  message: string,
  state: StreamState,
  at: number,
  retryable = false,
): ErrorData => ({
  kind,
  message,
  retryable,
  state,
  attempt: 0,
  status: null,
  lastEventId: '',
  at,
  cause: null,
})
