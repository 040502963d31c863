import type { ErrorData, ErrorKind } from './shared/status.ts'

/** Says in the console what no `onError` listener hears: an error that nobody sees is a stream that is silent. */
export const createUnheardErrors = (): ((error: ErrorData) => void) => {
  const said = new Set<ErrorKind>()
  return ({ kind, message, retryable }) => {
    // An outage may last for hours.
    if (retryable && said.has(kind)) return
    said.add(kind)
    console[retryable ? 'warn' : 'error'](
      `tabstream: ${message} (error "${kind}", see docs/troubleshooting.md)`,
    )
  }
}
