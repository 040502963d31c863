import type { Place, ShareAnswer, ShareError, ShareNeed, ShareOutcome } from '../shared/protocol.ts'
import type { LogCore } from './log-core.ts'

/** ms for a call that the hub answers once it can: longer than any page lives, and the most that a timer takes. */
const UNLIMITED = 2 ** 31 - 1

export interface Shared<Value> {
  value: Value
  /** The log's head when the load began. */
  place: Place
}

/** Loads that all tabs of a hub share (ST5). */
export interface SharedLoads {
  /**
   * The value of this key, by whichever tab loads it.
   *
   * @param load what this tab runs, if the hub tells it to. Other tabs may want its result after this one no longer does
   * @throws what `load` rejects with; the reason of `signal`; StreamError
   */
  ask<Value>(
    key: string,
    need: ShareNeed,
    load: (context: { signal: AbortSignal; place: Place }) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Shared<Value>>
}

const nothing = () => {}
const outlineOf = (error: unknown): ShareError =>
  error instanceof Error || error instanceof DOMException
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: String(error) }
const errorOf = ({ name, message }: ShareError): Error => Object.assign(new Error(message), { name })

/** @param onEnded gives what a call rejects with whose stream has ended */
export const createSharedLoads = (core: LogCore, onEnded: () => Error): SharedLoads => {
  /** How many calls of this tab wait for each key. */
  const waiting = new Map<string, number>()

  const count = (key: string, by: 1 | -1): number => {
    const left = (waiting.get(key) ?? 0) + by
    if (left === 0) waiting.delete(key)
    else waiting.set(key, left)
    return left
  }

  /** Runs a load for all tabs, until none of them wants it. */
  const run = async <Value>(
    id: string,
    place: Place,
    load: (context: { signal: AbortSignal; place: Place }) => Promise<Value>,
  ): Promise<Value> => {
    const stop = new AbortController()
    const abort = () => stop.abort()
    core.ended.addEventListener('abort', abort)
    const unwanted = core.call('a shared load', (hub) => hub.unwanted(id), UNLIMITED)
    unwanted.then((isUnwanted) => isUnwanted && abort(), nothing)
    const tell = (outcome: ShareOutcome) => core.call('a shared load', async (hub) => hub.shared(id, outcome))
    try {
      const value = await load({ signal: stop.signal, place })
      // Nothing but a value that cannot be cloned fails for good here: where the hub died, this tab has the value still.
      await tell({ ok: true, value }).catch((error) => {
        if ((error as Error).cause instanceof DOMException) throw (error as Error).cause
      })
      return value
    } catch (error) {
      await tell({ ok: false, error: outlineOf(error) }).catch(nothing)
      throw error
    } finally {
      core.ended.removeEventListener('abort', abort)
    }
  }

  /** Rejects once the caller wants the value no more, or the stream has ended. @param leave runs before */
  const givenUp = (signal: AbortSignal | undefined, over: AbortSignal, leave: () => void) =>
    new Promise<never>((_, reject) => {
      const stop = () => {
        leave()
        reject(signal?.aborted ? signal.reason : onEnded())
      }
      if (signal?.aborted || core.isOver()) return stop()
      for (const each of [signal, core.ended]) each?.addEventListener('abort', stop, { signal: over })
    })

  return {
    async ask(key, need, load, signal) {
      const over = new AbortController()
      count(key, 1)
      let isWaiting = true
      const leave = () => {
        if (!isWaiting) return false
        isWaiting = false
        return count(key, -1) === 0
      }
      // At once: a caller that asks for a newer value next must not wait for a load that it wants no more.
      const unshare = () => {
        if (leave() && !core.isOver())
          core.call('a shared load', async (hub) => hub.unshare(key)).catch(nothing)
      }
      const answered = async () => {
        const answer = await core.call(
          'a shared load',
          (hub) => hub.share(key, need) as Promise<ShareAnswer>,
          UNLIMITED,
        )
        if (answer.is === 'error') throw errorOf(answer.error)
        const { place } = answer
        const value = answer.is === 'run' ? await run(answer.load, place, load) : (answer.value as never)
        return { value, place }
      }
      try {
        return await Promise.race([givenUp(signal, over.signal, unshare), answered()])
      } finally {
        over.abort()
        leave()
      }
    },
  }
}
