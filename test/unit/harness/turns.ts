// Taken now: a test may replace the timers.
const immediate = globalThis.setImmediate
const clock = performance.now.bind(performance)

/** One turn of the event loop, all microtasks included. */
export const turn = (): Promise<void> => new Promise((resolve) => void immediate(resolve))

/** Those who wait, each with an immediate of its own. */
let waiting = 0
const waitTurns = async (run: () => Promise<void>) => {
  waiting++
  await run().finally(() => waiting--)
}
/** Whether fakes and fake-indexeddb have nothing under way, whose every step is an immediate. */
const isQuiet = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length < waiting

/** Turns, for messages of real ports, which are no immediates: each is there after one or two. */
const TURNS = 25
/** So many turns in a row without anything under way are rest. */
const REST = 5
const MOST_TURNS = 5_000

/**
 * Waits until what is under way has come to rest, to show that nothing more happens.
 *
 * @param turns so many instead, come to rest or not: the steps of a virtual clock
 * @throws Error it does not come to rest
 */
export const settle = async (turns?: number): Promise<void> => {
  for (let left = turns ?? TURNS; left > 0; left--) await turn()
  if (turns !== undefined) return
  await waitTurns(async () => {
    for (let quiet = 0, left = MOST_TURNS; quiet < REST; left--) {
      if (left === 0) throw new Error('Something is under way without end.')
      await turn()
      quiet = isQuiet() ? quiet + 1 : 0
    }
  })
}

/** Waits in real time, for ports and IndexedDB, which no virtual clock drives. */
export const until = (condition: () => unknown, what = String(condition)): Promise<void> =>
  waitTurns(async () => {
    const start = clock()
    while (!condition()) {
      if (clock() - start > 4_000) throw new Error(`Did not come true: ${what}`)
      await turn()
    }
  })

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
