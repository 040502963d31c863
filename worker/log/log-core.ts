import type { LoggedEvent } from '../../src/shared/events.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import type { Ledger } from './ledger.ts'
import type { Appended } from './log.ts'
import type { Persistence } from './persistence.ts'

/** What the parts of a log share: one ledger, its database, and the order in which both change. */
export interface LogCore {
  platform: Platform
  ledger: Ledger
  persistence: Persistence
  metrics: MetricsRecorder
  /** Runs one change after the other, though some have to read. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  /** One read after `seq`, in order and without holes; empty if there is nothing, or it is gone. */
  read(seq: number): LoggedEvent[] | Promise<LoggedEvent[]>
  /** There are events to deliver, or another epoch. `appended`: by this hub, as leader. */
  onChange(appended: Appended | null): void
  /** Another leader took over: what was delivered before may be no part of the log any more. */
  onTruncate(): void
}

/** What is missing up to `head` is gone everywhere: whoever needs it gets a reset. */
export const skipTo = ({ ledger, onChange }: Pick<LogCore, 'ledger' | 'onChange'>, head: number): void => {
  ledger.forget(head)
  ledger.position.head = head
  onChange(null)
}
