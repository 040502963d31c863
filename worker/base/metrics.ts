import type { Metrics } from '../../src/shared/inspection.ts'
import type { ErrorKind } from '../../src/shared/status.ts'

/** The number of batches over which the delivery latency is taken. */
const WINDOW = 512

const percentile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** Counters since the hub began. */
export interface MetricsRecorder {
  /** An attempt to open the stream begins. */
  attempted(): void
  /** @param lostFor ms since the last stream was lost; `null`: there was none */
  opened(lostFor: number | null): void
  /** @param openFor ms that the stream stood @param at ms since 1970 */
  closed(openFor: number, at: number): void
  /** An event was added to the log. */
  event(type: string): void
  duplicate(): void
  /** An event was dropped, since its topic was not asked for. */
  unasked(): void
  /** @param at ms since 1970 */
  bytes(count: number, at: number): void
  missedHeartbeat(): void
  /** The log started over. */
  reset(): void
  error(kind: ErrorKind): void
  /** A tab has acknowledged a batch, `ms` after the hub received its events. */
  delivered(ms: number): void
  /** @param tabs that the hub serves now */
  snapshot(tabs: number): Metrics
}

export const createMetrics = (): MetricsRecorder => {
  const counts = {
    connectionsAttempted: 0,
    connectionsSuccessful: 0,
    reconnections: 0,
    duplicatesDropped: 0,
    unaskedDropped: 0,
    bytesReceived: 0,
    missedHeartbeats: 0,
    lastByteAt: null as number | null,
    longestSilence: 0,
    resets: 0,
  }
  const byType = new Map<string, number>()
  const byKind: Metrics['errors']['byKind'] = {}
  const durations = { sum: 0, count: 0 }
  const reconnections = { sum: 0, count: 0 }
  const latencies: number[] = []
  let latencyAt = 0
  let total = 0
  let errors = 0

  /** From the last byte to `at`. */
  const silence = (at: number) => {
    counts.longestSilence = Math.max(counts.longestSilence, at - (counts.lastByteAt ?? at))
  }
  const average = ({ sum, count }: { sum: number; count: number }) => (count === 0 ? 0 : sum / count)

  return {
    attempted: () => void counts.connectionsAttempted++,
    opened(lostFor) {
      counts.connectionsSuccessful++
      counts.lastByteAt = null
      if (lostFor === null) return
      counts.reconnections++
      reconnections.sum += lostFor
      reconnections.count++
    },
    closed(openFor, at) {
      silence(at)
      counts.lastByteAt = null
      durations.sum += openFor
      durations.count++
    },
    event(type) {
      total++
      // Types come from the server. Without a bound, a server that makes types up would grow this map for ever.
      const name = byType.has(type) || byType.size < 256 ? type : '(other)'
      byType.set(name, (byType.get(name) ?? 0) + 1)
    },
    duplicate: () => void counts.duplicatesDropped++,
    unasked: () => void counts.unaskedDropped++,
    bytes(count, at) {
      counts.bytesReceived += count
      silence(at)
      counts.lastByteAt = at
    },
    missedHeartbeat: () => void counts.missedHeartbeats++,
    reset: () => void counts.resets++,
    error(kind) {
      errors++
      byKind[kind] = (byKind[kind] ?? 0) + 1
    },
    delivered(ms) {
      latencies[latencyAt++ % WINDOW] = ms
    },
    snapshot(tabs) {
      const sorted = [...latencies].sort((a, b) => a - b)
      return {
        ...counts,
        eventsReceived: { total, byType: Object.fromEntries(byType) },
        errors: { total: errors, byKind: { ...byKind } },
        averageConnectionDuration: average(durations),
        averageReconnectionTime: average(reconnections),
        deliveryLatency: { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) },
        tabs,
      }
    },
  }
}
