import { createMeanGap } from '../base/mean-gap.ts'
import type { Platform } from '../base/platform.ts'

/**
 * ms from one commit to the next, at least, once events come faster than that. A transaction costs as much as hundreds
 * of events in it: a transaction a frame took as much of the machine as all the deliveries. If a hub dies before it
 * commits, the server sends those events again.
 */
const COMMIT_SPACING = 100

export interface CommitPaceOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** Whether there is something to commit, and a database to commit it to. */
  canCommit(): boolean
  commit(): Promise<void>
}

/** When to commit: one transaction at a time, and the next one takes all that came meanwhile (D2). */
export interface CommitPace {
  /** Events have come. */
  appended(): void
  /** Resolves once all that there is now is committed, or has failed to be. */
  soon(): Promise<void>
  /** Does what `soon` does, without the wait for further events: somebody waits for this commit. */
  now(): Promise<void>
}

export const createCommitPace = ({ platform, canCommit, commit }: CommitPaceOptions): CommitPace => {
  const gap = createMeanGap(platform)
  let committing: Promise<void> | null = null
  let committedAt = 0
  let isHurried = false
  let endWait = () => {}

  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = platform.after(ms, resolve)
      endWait = () => {
        cancel()
        resolve()
      }
    })

  const commitAll = async () => {
    while (canCommit()) {
      const left = COMMIT_SPACING - Math.abs(platform.now() - committedAt)
      const isFast = left > 0 && gap.ms() < COMMIT_SPACING / 2
      // An event that comes alone waits one turn all the same, so that its delivery goes first.
      if (!isHurried) await wait(isFast ? left : 0)
      committedAt = platform.now()
      if (canCommit()) await commit()
    }
  }

  const soon = (): Promise<void> => {
    committing ??= commitAll().finally(() => {
      committing = null
      isHurried = false
      // Something may have come after the loop's last look.
      if (canCommit()) return soon()
    })
    return committing
  }

  return {
    appended() {
      gap.came()
      void soon()
    },
    soon,
    now() {
      isHurried = true
      endWait()
      return soon()
    },
  }
}
