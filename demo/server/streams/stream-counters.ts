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

/** How many of each are open now, and the most that ever were. Counts as they come: looking at all would take ages. */
const createTally = () => {
  const open = new Map<string, number>()
  let peaks: Record<string, number> = {}
  return {
    add(key: string): void {
      const count = (open.get(key) ?? 0) + 1
      open.set(key, count)
      peaks[key] = Math.max(peaks[key] ?? 0, count)
    },
    remove(key: string): void {
      const count = open.get(key)! - 1
      if (count > 0) open.set(key, count)
      else open.delete(key)
    },
    now: () => Object.fromEntries(open),
    peaks: () => ({ ...peaks }),
    reset(): void {
      peaks = Object.fromEntries(open)
    },
  }
}

const noCounts = () => ({ opened: 0, openedByUser: {} as Record<string, number>, refused: 0, replaced: 0 })

export const createStreamCounters = (): StreamCounters => {
  const users = createTally()
  const clients = createTally()
  let counts = noCounts()
  let total = 0
  let peak = 0

  return {
    opened(stream: OpenStream): void {
      counts.opened += 1
      counts.openedByUser[stream.user] = (counts.openedByUser[stream.user] ?? 0) + 1
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
      ...structuredClone(counts),
      peak: { total: peak, users: users.peaks(), clients: clients.peaks() },
    }),
    reset() {
      counts = noCounts()
      peak = total
      users.reset()
      clients.reset()
    },
  }
}
