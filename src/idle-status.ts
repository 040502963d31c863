import type { Status } from './shared/status.ts'

/** The status before any hub has told one. @param since ms since 1970 */
export const idleStatus = (since: number): Status => ({
  state: 'idle',
  host: 'shared-worker',
  role: 'follower',
  attempt: 0,
  nextAttemptAt: null,
  since,
  health: 'good',
  resume: 'fresh',
  durable: false,
  tabs: 0,
  lastEventId: '',
  error: null,
})
