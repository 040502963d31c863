import type { RootDatabase } from 'lmdb'
import { type Once, onceFor } from './event-store.ts'

/** Where the events of a named append are. */
interface Named {
  /** Positions in the order: an append has them one behind the other. */
  start: number
  count: number
  /** Milliseconds since 1970. */
  until: number
  digest: string
}

/** Names that an account can have at a time. More can't come within their ten minutes, given the limit on publishing. */
const mostNames = 10_000

/** The names of appends. A second database has them in the order in which they end: nothing walks through all. */
export const createNames = (root: RootDatabase, now: () => number) => {
  const named = root.openDB<Named, [account: string, name: string]>({ name: 'once' })
  const ends = root.openDB<true, [account: string, until: number, name: string]>({ name: 'once-ends' })
  const counts = root.openDB<number, string>({ name: 'once-counts' })

  return {
    /** The append of that name, unless it is forgotten. */
    find(account: string, { name }: Once): Named | undefined {
      const known = named.get([account, name])
      return known && known.until > now() ? known : undefined
    },

    /** Within a transaction. Forgets what has ended, and the oldest where there are too many. */
    remember(account: string, { name, digest }: Once, appended: { start: number; count: number }): void {
      const until = now() + onceFor
      let count = counts.get(account) ?? 0
      const oldest = ends.getKeys({ start: [account, 0, ''], end: [account, Number.MAX_SAFE_INTEGER, ''] })
      const over: [string, number, string][] = []
      for (const key of oldest) {
        if (key[1] > now() && count - over.length < mostNames) break
        over.push(key)
      }
      for (const key of over) {
        ends.remove(key)
        named.remove([account, key[2]])
      }
      count -= over.length
      named.put([account, name], { ...appended, until, digest })
      ends.put([account, until, name], true)
      counts.put(account, count + 1)
    },
  }
}
