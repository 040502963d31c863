import type { Metrics } from '../shared/inspection.ts'
import { localError } from '../shared/local-error.ts'
import type { ErrorData, StreamState } from '../shared/status.ts'

/** The error for an event whose data does not parse, or does not fit its schema (D8, D9). */
export const invalidEvent = (type: string, state: StreamState): ErrorData =>
  localError(
    'validation',
    `The data of an event "${type}" does not parse or fit its schema: not delivered. If it is no JSON, set ` +
      '`parse: String`. From here on `metrics()` counts these.',
    state,
    true,
  )

/** Adds to the hub's metrics the events that this page could not deliver: the hub does not know of them. */
export const countInvalid = (metrics: Metrics, invalid: number): Metrics => {
  if (invalid === 0) return metrics
  const { total, byKind } = metrics.errors
  return { ...metrics, errors: { total: total + invalid, byKind: { ...byKind, validation: invalid } } }
}
