/** Listeners of one kind. One that throws is reported and harms no other (D8). */
export const createSignal = <T>() => {
  const listeners = new Set<{ run: (value: T) => void }>()
  return {
    /** @returns removes it again */
    on(run: (value: T) => void): () => void {
      const entry = { run }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    emit(value: T) {
      for (const { run } of [...listeners]) {
        try {
          run(value)
        } catch (error) {
          reportError(error)
        }
      }
    },
  }
}
