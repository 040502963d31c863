import type { ErrorData } from '../../src/shared/status.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Why } from './verdict.ts'

/** ms between two errors that tell of events which are not delivered (A5, B1). */
const SKIPPED_PAUSE = 1_000

/** States that end only if somebody asks for it. */
const FINAL: ConnectionState[] = ['failed', 'closed', 'disposed']

export interface ErrorReportsOptions {
  platform: Pick<Platform, 'now'>
  metrics: MetricsRecorder
  /** The state of the stream, for an error to carry. */
  context(): { state: ConnectionState; attempt: number; lastEventId: string }
  onStatus(): void
  onError(error: ErrorData): void
}

/** The errors that the connection reports. */
export interface ErrorReports {
  /** The error that led to the present state; `null`: none did. */
  current(): ErrorData | null
  /** The stream is open: what went wrong before is over. */
  clear(): void
  /** Makes an error with the present state in it. Reports nothing. */
  errorOf(why: Why): ErrorData
  /**
   * Reports the error that led to the present state. In `unauthorized`, the same error again is told only once (A2).
   */
  report(why: Why): void
  /** Reports an event that is not delivered (A5, B1). The stream goes on. */
  skipped(kind: 'signature' | 'too-large', message: string): void
}

export const createErrorReports = ({ platform, metrics, ...deps }: ErrorReportsOptions): ErrorReports => {
  let current: ErrorData | null = null
  let skippedAt = Number.NEGATIVE_INFINITY

  const errorOf = (why: Why): ErrorData => {
    const { state, ...context } = deps.context()
    const retryable = !FINAL.includes(state)
    return {
      status: null,
      cause: null,
      ...why,
      ...context,
      retryable,
      state: state === 'disposed' ? 'closed' : state,
      at: platform.now(),
      topic: null,
    }
  }

  return {
    current: () => current,
    clear() {
      current = null
    },
    errorOf,
    report(why) {
      const before = current
      current = errorOf(why)
      metrics.error(why.kind)
      deps.onStatus()
      // A token that is refused once a minute for hours is one error (A2).
      const isKnown = before?.state === 'unauthorized' && before.message === why.message
      if (!isKnown) deps.onError(current)
    },
    skipped(kind, message) {
      metrics.error(kind)
      // A forger may send thousands of events. Each is counted, and one a second is told.
      if (Math.abs(platform.now() - skippedAt) < SKIPPED_PAUSE) return
      skippedAt = platform.now()
      deps.onError(errorOf({ kind, message }))
    },
  }
}
