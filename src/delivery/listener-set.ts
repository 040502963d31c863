/** Listeners of one kind. One that throws is reported and harms no other (D8). */
export interface ListenerSet<Args extends unknown[]> {
  isEmpty(): boolean
  /** A function that is added twice is two listeners. @returns removes this one again */
  on(run: (...args: Args) => void): () => void
  /** Runs all of them, in the order in which they were added. */
  emit(...args: Args): void
}

export const createListenerSet = <Args extends unknown[]>(): ListenerSet<Args> => {
  // Each in a box of its own: a function that is added twice is removed once by each of its removers.
  const listeners = new Set<{ run: (...args: Args) => void }>()
  return {
    isEmpty: () => listeners.size === 0,
    on(run) {
      const entry = { run }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    emit(...args) {
      for (const entry of [...listeners]) {
        // A listener before it may have removed it, and torn down what it works on.
        if (!listeners.has(entry)) continue
        try {
          entry.run(...args)
        } catch (error) {
          // As an EventTarget does: the console and error trackers see it.
          reportError(error)
        }
      }
    },
  }
}
