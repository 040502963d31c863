interface OpenStream {
  user: string
  client: string | null
}

const tally = (keys: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
  return counts
}

const clientKey = ({ user, client }: OpenStream) => `${user}/${client ?? '-'}`

const raise = (peaks: Record<string, number>, counts: Record<string, number>) => {
  for (const [key, count] of Object.entries(counts)) peaks[key] = Math.max(peaks[key] ?? 0, count)
}

const noCounts = () => ({
  opened: 0,
  openedByUser: {} as Record<string, number>,
  refused: 0,
  replaced: 0,
  peak: { total: 0, users: {} as Record<string, number>, clients: {} as Record<string, number> },
})

/**
 * What a test needs to know about the past: the most streams that were ever open at once, by user and by
 * `user/client`. Replacing by `Stream-Client` hides an overlap from the peaks, so it is counted apart:
 * a client that closes before it reopens (S1) leaves `replaced` at 0.
 */
export const createStreamCounters = () => {
  let counts = noCounts()

  const raisePeaks = (open: readonly OpenStream[]) => {
    counts.peak.total = Math.max(counts.peak.total, open.length)
    raise(counts.peak.users, tally(open.map(({ user }) => user)))
    raise(counts.peak.clients, tally(open.map(clientKey)))
  }

  return {
    opened(user: string, open: readonly OpenStream[]): void {
      counts.opened += 1
      counts.openedByUser[user] = (counts.openedByUser[user] ?? 0) + 1
      raisePeaks(open)
    },
    refused: () => {
      counts.refused += 1
    },
    replaced: () => {
      counts.replaced += 1
    },
    read: () => structuredClone(counts),
    reset(open: readonly OpenStream[]): void {
      counts = noCounts()
      raisePeaks(open)
    },
  }
}

/** Open streams by user, for those who have one. */
export const countByUser = (open: readonly { user: string }[]) => tally(open.map(({ user }) => user))
