import type { Cursor } from '../../src/shared/events.ts'
import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'

/**
 * The most ms that a tab waits for a commit: a leader without IndexedDB never commits, and a follower may have come too
 * late to hear of a commit. Leaders commit every 100 ms.
 */
const COMMIT_LIMIT = 500

export interface CommitWaitOptions {
  platform: Pick<Platform, 'after' | 'now'>
  log: Pick<Log, 'epoch' | 'committed' | 'isDurable' | 'awaitCommit'>
  /** The wait has lasted for as long as it may. The log tells by itself when more is committed. */
  onChange(): void
}

/** A tab's wait for the commit of a place in the log. It waits for one place at a time. */
export interface CommitWait {
  /** Whether the place is committed, or the tab has waited for long enough. If not, a commit is under way. */
  isOver(place: Cursor): boolean
}

export const createCommitWait = ({ platform, log, onChange }: CommitWaitOptions): CommitWait => {
  /** Until when the tab waits, in ms since 1970; `null`: it does not. */
  let until: number | null = null

  return {
    isOver({ epoch, seq }) {
      const isSettled = epoch !== log.epoch() || seq <= log.committed() || !log.isDurable()
      if (isSettled || (until !== null && platform.now() >= until)) {
        until = null
        return true
      }
      if (until === null) {
        until = platform.now() + COMMIT_LIMIT
        platform.after(COMMIT_LIMIT, onChange)
      }
      log.awaitCommit()
      return false
    },
  }
}
