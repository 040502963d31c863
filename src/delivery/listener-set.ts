/** Listeners of one kind. One that throws is reported and harms no other (D8). */
export const createSignal = <Args extends unknown[]>() => {
  // Each in a box of its own: one function added twice is two listeners, each removed by its own.
  const listeners = new Set<{ run: (...args: Args) => void }>()
  return {
    isEmpty: () => listeners.size === 0,
    /** @returns removes it again */
    on(run: (...args: Args) => void): () => void {
      const entry = { run }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    emit(...args: Args) {
      for (const entry of [...listeners]) {
        // Removed by one before it: whoever removed it may have torn down what it works on.
        if (!listeners.has(entry)) continue
        try {
          entry.run(...args)
        } catch (error) {
          // As an EventTarget does: seen in the console and by error trackers.
          reportError(error)
        }
      }
    },
  }
}
