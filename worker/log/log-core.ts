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
  /** Runs one change after the other: the next one waits for a change that has to read first. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  /** The events after `seq`, as many as one read takes, in order and without holes. Empty: there are none any more. */
  read(seq: number): LoggedEvent[] | Promise<LoggedEvent[]>
  /** Commits at once, if there is anything to commit. `onChange` tells when more is committed. */
  awaitCommit(): void
  /** There are events to deliver, or another epoch. @param appended what this hub has added as leader, or `null` */
  onChange(appended: Appended | null): void
  /** Another leader took over: what was delivered before may be no part of the log any more. */
  onTruncate(): void
}

/** Goes on behind `head`: no hub has the missing events up to there any more. A tab that needs them gets a reset. */
export const skipTo = ({ ledger, onChange }: Pick<LogCore, 'ledger' | 'onChange'>, head: number): void => {
  ledger.forget(head)
  ledger.position.head = head
  onChange(null)
}
