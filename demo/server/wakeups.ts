/** Who in this process wants to hear that a user's log has grown. Another node would be told over a channel. */
export const createWakeups = () => {
  const listeners = new Map<string, Set<() => void>>()

  return {
    wake(user: string): void {
      for (const listener of listeners.get(user) ?? []) listener()
    },

    subscribe(user: string, listener: () => void): () => void {
      const set = listeners.get(user) ?? new Set()
      listeners.set(user, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0 && listeners.get(user) === set) listeners.delete(user)
      }
    },
  }
}
