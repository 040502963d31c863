import type { Platform } from '../base/platform.ts'

/** ms that a turn lasts at most: a worker that is frozen in the middle of its turn must not stop the others. */
const LASTS = 5_000
/** ms for which a worker waits for its turn. */
const WAITS = 10_000

/**
 * One worker of the origin at a time, by a Web Lock, as far as that costs nobody the stream. A browser keeps one
 * cookie for all its users: from the exchange to the answer of the stream nobody else may replace the cookie (A3).
 */
export interface ExchangeTurn {
  /** Resolves once it is this worker's turn, or once it has waited for 10 s: then it goes on without. */
  take(): Promise<void>
  /** Gives the turn back, or waits for it no longer. */
  end(): void
}

type State =
  | { is: 'idle' }
  /** Asked for: `over` resolves what `take` returned. */
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
      // Granted in the instant in which it was given up.
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
