/** ms between two looks. */
const LOOK = 20

/** How much of the time the machine has taken from this process: a limit in real time is for a machine that is free. */
export interface MachineLag {
  /** ms by which timers were late since the watch began, all together. */
  lost(): number
  close(): void
}

export const watchMachineLag = (): MachineLag => {
  let last = performance.now()
  let lost = 0
  const timer = setInterval(() => {
    const now = performance.now()
    lost += Math.max(0, now - last - LOOK)
    last = now
  }, LOOK)
  return { lost: () => lost, close: () => clearInterval(timer) }
}
