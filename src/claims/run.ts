import type { ClaimCore } from '../claim.ts'
import type { ClaimContext } from '../claim-options.ts'
import type { StreamEvent } from '../delivery/listeners.ts'
import type { PastRun } from '../shared/claims.ts'
import type { LoggedEvent } from '../shared/events.ts'

export type ClaimHandler = (payload: unknown, event: StreamEvent, claim: ClaimContext) => unknown

/** How a run came out, as the hub is told. */
export type RunOutcome = Omit<PastRun, 'run'>

/**
 * Calls a handler for one event. An event whose data does not fit is passed over, as a listener would not hear it (D8).
 *
 * @param stop aborted at the timeout; aborts the handler's signal whoever aborts it
 */
export const runHandler = (
  withPayload: ClaimCore['withPayload'],
  handler: ClaimHandler,
  { type, id, data, at }: LoggedEvent,
  { attempt, timeout }: { attempt: number; timeout: number },
  stop: AbortController,
): Promise<RunOutcome> =>
  new Promise((resolve) => {
    let isCalled = false
    const timer = setTimeout(() => {
      stop.abort(new DOMException('The handler ran out of time.', 'TimeoutError'))
      resolve({ outcome: 'late', cause: null })
    }, timeout)
    const end = (outcome: RunOutcome) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    withPayload(type, data, (payload) => {
      isCalled = true
      const call = async () =>
        handler(payload, { type, id, data, receivedAt: at }, { signal: stop.signal, attempt })
      call().then(
        () => end({ outcome: 'done', cause: null }),
        (error) => {
          // A handler that stops as it was told to has no fault.
          if (!stop.signal.aborted) reportError(error)
          end({ outcome: 'failed', cause: String(error) })
        },
      )
    })
    if (!isCalled) end({ outcome: 'done', cause: null })
  })
