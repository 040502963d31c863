import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import type { MetricsRecorder } from '../base/metrics.ts'

export const REFUSED =
  'The browser refused a Web Lock, by which workers agree on who has the stream: check that it allows cookies and ' +
  'site data. Trying again.'
const FAILED = 'Sharing the stream with other workers failed. Trying again.'

export interface FailuresOptions {
  metrics: Pick<MetricsRecorder, 'error'>
  /** Makes an error of kind `worker`, with the state of the stream in it. Reports nothing. */
  errorOf(message: string, cause: unknown): ErrorData
  leaderStatus(): ConnectionStatus | null
  onStatus(): void
  onError(error: ErrorData): void
}

/**
 * What goes wrong while hubs agree on who leads (L1). Each try fails as the one before did, until the user changes a
 * setting. So the same error is told once until this hub leads.
 */
export interface Failures {
  /** Why nobody has the stream: this hub cannot lead, and hears of no leader. `null`: it can, or another hub leads. */
  current(): ErrorData | null
  /** This hub cannot lead for now. @param message default: no more is known than the cause */
  blocked(cause: unknown, message?: string): void
  /** Something failed, and who leads stays as it is. */
  report(cause: unknown): void
  /** This hub leads. */
  clear(): void
}

export const createFailures = ({ metrics, errorOf, leaderStatus, ...deps }: FailuresOptions): Failures => {
  let blocking: ErrorData | null = null
  let told: string | null = null

  const tell = (error: ErrorData) => {
    metrics.error('worker')
    const isKnown = told === error.message
    told = error.message
    if (!isKnown) deps.onError(error)
  }
  const current = () => (leaderStatus() === null ? blocking : null)

  return {
    current,
    blocked(cause, message = FAILED) {
      const error = errorOf(message, cause)
      blocking = { ...error, state: 'failed' }
      deps.onStatus()
      tell(current() ?? error)
    },
    report: (cause) => tell(errorOf(FAILED, cause)),
    clear() {
      blocking = told = null
    },
  }
}
