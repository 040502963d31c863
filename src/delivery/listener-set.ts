/** Listeners of one kind. If one throws, the error is reported, and the others run all the same (D8). */
export interface ListenerSet<Args extends unknown[]> {
  isEmpty(): boolean
  /** Adds a listener. A function that is added twice counts as two. @returns removes this one again */
  on(run: (...args: Args) => void): () => void
  /** Runs all of them, in the order in which they were added. */
  emit(...args: Args): void
}

export const createListenerSet = <Args extends unknown[]>(): ListenerSet<Args> => {
  // Each listener has an object of its own, so that each remover of a function added twice removes one of the two.
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
        // An earlier listener may have removed this one, and torn down what this one works on.
        if (!listeners.has(entry)) continue
        try {
          entry.run(...args)
        } catch (error) {
          // EventTarget does the same: the console and error trackers see the error.
          reportError(error)
        }
      }
    },
  }
}
