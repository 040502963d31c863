/** ms that an acknowledgement waits at most. After two seconds, the hub would take the tab for stalled. */
const LONGEST = 1_000

/**
 * When a tab acknowledges what it has taken. Each acknowledgement wakes the worker once more, which costs a quiet stream
 * as much as the delivery. So those that may wait go out together (P12, P13).
 */
export interface Acknowledgements {
  /** Resolves when it is time to acknowledge. @param mayWait for the next acknowledgement that may not */
  due(mayWait: boolean): Promise<void> | undefined
  /** Lets those out that wait: the page's timers are about to run late. */
  flush(): void
}

export const createAcknowledgements = (): Acknowledgements => {
  let waiting: Promise<void> | undefined
  let flush = () => {}

  return {
    due(mayWait) {
      if (!mayWait) flush()
      else
        waiting ??= new Promise((resolve) => {
          const timer = setTimeout(() => flush(), LONGEST)
          flush = () => {
            clearTimeout(timer)
            waiting = undefined
            flush = () => {}
            resolve()
          }
        })
      return waiting
    },
    flush: () => flush(),
  }
}
