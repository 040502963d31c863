import type { ErrorData, ErrorKind } from './shared/status.ts'

/** Says errors in the console that no `onError` listener hears: otherwise the stream would fail in silence. */
export const createUnheardErrors = (): ((error: ErrorData) => void) => {
  const said = new Set<ErrorKind>()
  return ({ kind, message, retryable }) => {
    // An outage may last for hours: each kind of error that mends itself is said once.
    if (retryable && said.has(kind)) return
    said.add(kind)
    console[retryable ? 'warn' : 'error'](
      `tabstream: ${message} (error "${kind}", see docs/troubleshooting.md)`,
    )
  }
}
