import { idleStatus } from './idle-status.ts'
import { localError } from './shared/local-error.ts'
import type { Status } from './shared/status.ts'
import type { Off } from './stream.ts'

/** What a framework's hooks need of the provider above them. */
export interface Provided<Stream> {
  stream: Stream | null
  /** The status while there is no stream. */
  status: Status
}

/** What a server renders, and the first render of a page before the stream is there. */
export const NO_STREAM: Provided<never> = { stream: null, status: idleStatus(0) }

/** As `useStatus` shows it: the page below works without a stream. */
const failedStatus = (cause: unknown): Status => {
  const error = localError('worker', String(cause), 'failed')
  return { ...NO_STREAM.status, state: 'failed', since: error.at, error }
}

/**
 * Makes the stream of a provider that has mounted. Where `connect` throws, the status is `failed`.
 *
 * @returns closes the stream
 */
export const openProvided = <Stream extends { close(): void }>(
  connect: () => Stream,
  set: (provided: Provided<Stream>) => void,
): Off => {
  try {
    const stream = connect()
    set({ ...NO_STREAM, stream })
    return () => {
      stream.close()
      set(NO_STREAM)
    }
  } catch (error) {
    // As an uncaught one: seen in the console and by error trackers. Thrown on, it would take the tree down.
    reportError(error)
    set({ stream: null, status: failedStatus(error) })
    return () => {}
  }
}
