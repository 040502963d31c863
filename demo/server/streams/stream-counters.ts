import { createBoundedMap } from '../base/bounded-map.ts'

export interface OpenStream {
  user: string
  client: string | null
}

export interface CountedStreams {
  opened: number
  openedByUser: Record<string, number>
  refused: number
  replaced: number
  /** The most that were open at once. */
  peak: { total: number; users: Record<string, number>; clients: Record<string, number> }
}

/**
 * What a test needs to know about the past: the most streams that were ever open at once, by user and by
 * `user/client`. Replacing by `Stream-Client` hides an overlap from the peaks, so it is counted apart:
 * a client that closes before it reopens (S1) leaves `replaced` at 0.
 */
export interface StreamCounters {
  opened(stream: OpenStream): void
  closed(stream: OpenStream): void
  refused(): void
  replaced(): void
  total(): number
  /** Open streams by user, for those who have one. */
  users(): Record<string, number>
  read(): CountedStreams
  /** Starts the peaks over from what is open now. */
  reset(): void
}

const clientKey = ({ user, client }: OpenStream) => `${user}/${client ?? '-'}`

/** Users, and clients of users, of which peaks and sums are kept. Of what is open, all are. */
const most = 10_000

/** How many of each are open now, and the most that ever were. Counts as they come: looking at all would take ages. */
const createTally = () => {
  const open = new Map<string, number>()
  const peaks = createBoundedMap<string, number>(most)
  return {
    add(key: string): void {
      const count = (open.get(key) ?? 0) + 1
      open.set(key, count)
      peaks.set(key, Math.max(peaks.get(key) ?? 0, count))
    },
    remove(key: string): void {
      const count = open.get(key)! - 1
      if (count > 0) open.set(key, count)
      else open.delete(key)
    },
    now: () => Object.fromEntries(open),
    peaks: () => Object.fromEntries(peaks.entries()),
    reset(): void {
      peaks.clear()
      for (const [key, count] of open) peaks.set(key, count)
    },
  }
}

const noCounts = () => ({ opened: 0, refused: 0, replaced: 0 })

export const createStreamCounters = (): StreamCounters => {
  const users = createTally()
  const clients = createTally()
  const openedByUser = createBoundedMap<string, number>(most)
  let counts = noCounts()
  let total = 0
  let peak = 0

  return {
    opened(stream: OpenStream): void {
      counts.opened += 1
      openedByUser.set(stream.user, (openedByUser.get(stream.user) ?? 0) + 1)
      total += 1
      peak = Math.max(peak, total)
      users.add(stream.user)
      clients.add(clientKey(stream))
    },
    closed(stream: OpenStream): void {
      total -= 1
      users.remove(stream.user)
      clients.remove(clientKey(stream))
    },
    refused: () => {
      counts.refused += 1
    },
    replaced: () => {
      counts.replaced += 1
    },
    total: () => total,
    users: () => users.now(),
    read: () => ({
      ...counts,
      openedByUser: Object.fromEntries(openedByUser.entries()),
      peak: { total: peak, users: users.peaks(), clients: clients.peaks() },
    }),
    reset() {
      counts = noCounts()
      openedByUser.clear()
      peak = total
      users.reset()
      clients.reset()
    },
  }
}
