import type { Platform } from '../base/platform.ts'

/** ms that a turn lasts at most: a worker that freezes during its turn must not stop the others. */
const LASTS = 5_000
/** ms for which a worker waits for its turn at most. */
const WAITS = 10_000

/**
 * A turn for the cookie, by a Web Lock: one worker of the origin has it at a time. A browser keeps one cookie for all
 * its users. So no other worker may replace the cookie from the exchange until the stream has answered (A3). Both waits
 * are bounded, so that no worker costs another one its stream.
 */
export interface ExchangeTurn {
  /** Resolves once this worker has the turn. After 10 s it resolves all the same, and the worker goes on without. */
  take(): Promise<void>
  /** Gives the turn back, or waits for it no longer. */
  end(): void
}

type State =
  | { is: 'idle' }
  /** The lock is asked for. `over` withdraws the request, which resolves what `take` returned. */
  | { is: 'waiting'; taken: Promise<void>; over(): void }
  /** `over` lets go of the lock. */
  | { is: 'ours'; over(): void }

export const createExchangeTurn = (
  platform: Pick<Platform, 'after' | 'locks'>,
  name: string,
): ExchangeTurn => {
  let state: State = { is: 'idle' }

  const end = () => {
    const { is } = state
    if (is === 'idle') return
    const { over } = state
    state = { is: 'idle' }
    over()
  }

  const wait = (): Promise<void> => {
    const abort = new AbortController()
    let resolve = () => {}
    const taken = new Promise<void>((done) => {
      resolve = done
    })
    const waiting: State = { is: 'waiting', taken, over: () => abort.abort() }
    const cancelWait = platform.after(WAITS, () => abort.abort())
    const granted = () => {
      cancelWait()
      // The lock manager granted the lock just as the wait was given up.
      if (state !== waiting) return
      return new Promise<void>((release) => {
        const cancel = platform.after(LASTS, () => state === ours && end())
        const ours: State = {
          is: 'ours',
          over() {
            cancel()
            release()
          },
        }
        state = ours
        resolve()
      })
    }
    platform.locks
      .request(name, { signal: abort.signal }, granted)
      .catch(() => {})
      .finally(() => {
        cancelWait()
        if (state === waiting) state = { is: 'idle' }
        resolve()
      })
    state = waiting
    return taken
  }

  return {
    take: async () => {
      if (state.is === 'waiting') return state.taken
      if (state.is === 'idle') return wait()
    },
    end,
  }
}
