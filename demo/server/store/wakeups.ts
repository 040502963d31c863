export interface Wakeups {
  wake(topic: string): void
  wakeAll(): void
  has(topic: string): boolean
  /** Returns the unsubscribe. */
  subscribe(topics: readonly string[], listener: () => void): () => void
}

/** Who in this process wants to hear that a topic's log has grown, and when the first comes and the last goes. */
export const createWakeups = ({
  onFirst = (_topic: string) => {},
  onLast = (_topic: string) => {},
} = {}): Wakeups => {
  const listeners = new Map<string, Set<() => void>>()

  const wake = (topic: string) => {
    for (const listener of listeners.get(topic) ?? []) listener()
  }

  const add = (topic: string, listener: () => void) => {
    const set = listeners.get(topic) ?? new Set()
    const isFirst = set.size === 0
    listeners.set(topic, set.add(listener))
    if (isFirst) onFirst(topic)
  }

  const remove = (topic: string, listener: () => void) => {
    const set = listeners.get(topic)
    if (!set?.delete(listener) || set.size > 0) return
    listeners.delete(topic)
    onLast(topic)
  }

  return {
    wake,
    wakeAll(): void {
      const all = new Set([...listeners.values()].flatMap((set) => [...set]))
      for (const listener of all) listener()
    },
    has: (topic: string): boolean => listeners.has(topic),

    subscribe(topics, listener) {
      // A listener of its own: the same function may subscribe twice.
      const own = () => listener()
      for (const topic of topics) add(topic, own)
      return () => {
        for (const topic of topics) remove(topic, own)
      }
    },
  }
}
