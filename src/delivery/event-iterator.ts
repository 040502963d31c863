/** How many events wait for a consumer before the tab stops acknowledging. */
const HIGH_WATER = 1_000

/**
 * A push source as an async iterator. The promise that `push` returns resolves once there is room again. The batch is
 * acknowledged no sooner, so that a slow consumer slows the delivery, and does not fill the heap.
 *
 * @param start subscribes, and returns the unsubscribe
 * @param signal ends the iteration, without an error
 */
export const createEventIterator = <T>(
  start: (push: (value: T) => Promise<void> | undefined, end: () => void) => () => void,
  signal?: AbortSignal,
): AsyncIterableIterator<T> => {
  const queue: T[] = []
  /** Calls of `next` that found no event. Woken together, they look again in turn. */
  let waiting: (() => void)[] = []
  let makeRoom = () => {}
  let room: Promise<void> | undefined
  let ended = false

  const wake = () => {
    const woken = waiting
    waiting = []
    for (const resolve of woken) resolve()
  }
  const end = () => {
    if (ended) return
    ended = true
    stop()
    signal?.removeEventListener('abort', end)
    wake()
    makeRoom()
  }
  const push = (value: T): Promise<void> | undefined => {
    if (ended) return
    queue.push(value)
    wake()
    if (queue.length < HIGH_WATER) return
    room ??= new Promise((resolve) => {
      makeRoom = resolve
    })
    return room
  }
  const stop = start(push, end)
  if (signal?.aborted) end()
  else signal?.addEventListener('abort', end)

  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      while (queue.length === 0 && !ended)
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
        })
      if (queue.length === 0) return { done: true, value: undefined }
      const value = queue.shift()!
      if (queue.length < HIGH_WATER / 2) {
        makeRoom()
        room = undefined
      }
      return { done: false, value }
    },
    async return() {
      queue.length = 0
      end()
      return { done: true, value: undefined }
    },
  }
}
