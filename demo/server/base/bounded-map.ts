/** A map by something that strangers or users choose. It holds so many entries, and forgets those that were set first. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined
  /** Sets, and makes this entry the youngest. */
  set(key: Key, value: Value): void
  delete(key: Key): boolean
  clear(): void
  entries(): IterableIterator<[Key, Value]>
  readonly size: number
}

/** @param most entries at a time */
export const createBoundedMap = <Key, Value>(most: number): BoundedMap<Key, Value> => {
  const map = new Map<Key, Value>()
  return {
    get: (key) => map.get(key),
    set(key, value) {
      map.delete(key)
      map.set(key, value)
      // A Map iterates in the order in which entries were set.
      if (map.size > most) map.delete(map.keys().next().value as Key)
    },
    delete: (key) => map.delete(key),
    clear: () => map.clear(),
    entries: () => map.entries(),
    get size() {
      return map.size
    },
  }
}
