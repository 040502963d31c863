import type { ErrorData, ErrorKind, StreamState } from './shared/status.ts'

/** What `onError` hears. `kind` says what went wrong, `retryable` whether the library goes on by itself. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  declare readonly kind: ErrorKind
  declare readonly retryable: boolean
  /** The stream's state right after. */
  declare readonly state: StreamState
  /** Attempts in a row without 10 s of health, this one included. */
  declare readonly attempt: number
  /** The HTTP status, where there was one. */
  declare readonly status: number | null
  declare readonly lastEventId: string
  /** In ms since 1970. */
  declare readonly at: number
  /** The topic that it is about; `null`: none. */
  declare readonly topic: string | null
  /** What was thrown, or the browser's own words; `null` if there are none. */
  declare readonly cause: unknown

  constructor(data: ErrorData, cause: unknown = data.cause) {
    super(data.message)
    Object.assign(this, data, { cause })
  }
}
