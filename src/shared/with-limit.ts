/** What a time limit needs of the world. It is handed in, so that tests drive time by hand. */
export interface Clock {
  /** In ms; only the time between two readings counts. */
  now(): number
  /** Runs `run` once, after `ms`. @returns cancels it */
  after(ms: number, run: () => void): () => void
}

/**
 * Settles as `promise` does, or rejects with `late()` after `ms`. Time in which the context was frozen does not
 * count, since the answer may be waiting. A timer that fires after more than twice its time shows a freeze.
 */
export const withLimit = <T>(
  clock: Clock,
  promise: Promise<T>,
  ms: number,
  late = () => new Error('late'),
): Promise<T> =>
  new Promise((resolve, reject) => {
    let cancel = () => {}
    const arm = () => {
      const armed = clock.now()
      const wasFrozen = () => clock.now() - armed > 2 * ms
      cancel = clock.after(ms, () => (wasFrozen() ? arm() : reject(late())))
    }
    arm()
    promise.then(resolve, reject).finally(() => cancel())
  })
