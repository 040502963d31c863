import type { StoredEvent } from '../store/event-store.ts'
import type { EndReason } from './event-stream.ts'
import type { TopicChange } from './followed-topics.ts'
import type { Resumption } from './resumption.ts'

/** Counts what streams do. The operator's metrics (ops/metrics.ts) are one. */
export interface StreamMeter {
  /** A stream has opened. Returns what to call when it sends, and once when it ends. */
  opened(resumption: Resumption): {
    sent(events: readonly StoredEvent[]): void
    ended(reason: EndReason): void
  }
  /** Topics of a stream were joined, left or refused. */
  changed(change: Omit<TopicChange, 'rev'>): void
}
