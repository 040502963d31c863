// Taken now: a test may replace the timers.
const immediate = globalThis.setImmediate
const clock = performance.now.bind(performance)

/** One turn of the event loop, all microtasks included. */
export const turn = (): Promise<void> => new Promise((resolve) => void immediate(resolve))

/** Time for what is already under way to come to rest: to show that nothing happens. */
export const settle = async (turns = 25): Promise<void> => {
  for (let left = turns; left > 0; left--) await turn()
}

/** Waits in real time, for ports and IndexedDB, which no virtual clock drives. */
export const until = async (condition: () => unknown, what = String(condition)): Promise<void> => {
  const start = clock()
  while (!condition()) {
    if (clock() - start > 4_000) throw new Error(`Did not come true: ${what}`)
    await turn()
  }
}

/** A promise that the test settles. */
export const defer = <T>() => {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
