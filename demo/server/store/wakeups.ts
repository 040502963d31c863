export interface Wakeups {
  wake(user: string): void
  wakeAll(): void
  has(user: string): boolean
  users(): string[]
  /** Returns the unsubscribe. */
  subscribe(user: string, listener: () => void): () => void
}

/** Who in this process wants to hear that a user's log has grown, and when the first comes and the last goes. */
export const createWakeups = ({
  onFirst = (_user: string) => {},
  onLast = (_user: string) => {},
} = {}): Wakeups => {
  const listeners = new Map<string, Set<() => void>>()

  const wake = (user: string) => {
    for (const listener of listeners.get(user) ?? []) listener()
  }

  return {
    wake,
    wakeAll(): void {
      for (const user of [...listeners.keys()]) wake(user)
    },
    has: (user: string): boolean => listeners.has(user),
    users: (): string[] => [...listeners.keys()],

    subscribe(user: string, listener: () => void): () => void {
      const set = listeners.get(user) ?? new Set()
      const isFirst = set.size === 0
      listeners.set(user, set.add(listener))
      if (isFirst) onFirst(user)
      return () => {
        if (!set.delete(listener) || set.size > 0) return
        listeners.delete(user)
        onLast(user)
      }
    },
  }
}
