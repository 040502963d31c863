/**
 * Long work in slices, one slice of all such work in a round of the event loop: what is short (a probe of /healthz, a
 * wake-up of a stream) waits for one slice, and not for one of each request that does the same. A setImmediate for each
 * would not do: those of one round run together.
 */
export type TakeTurn = () => Promise<void>

export const createTurns = (): TakeTurn => {
  const waiting: (() => void)[] = []
  const next = () => {
    waiting.shift()?.()
    if (waiting.length > 0) setImmediate(next)
  }
  return () =>
    new Promise((done) => {
      waiting.push(done)
      if (waiting.length === 1) setImmediate(next)
    })
}
