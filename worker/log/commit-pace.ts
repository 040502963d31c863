import { createMeanGap } from '../base/mean-gap.ts'
import type { Platform } from '../base/platform.ts'

/**
 * ms from one commit to the next, at least, once events come faster than that. A transaction costs as much as hundreds
 * of events in it: one a frame took as much of the machine as all the deliveries. What a hub that dies has not
 * committed, the server sends again.
 */
const COMMIT_SPACING = 100

export interface CommitPaceOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** There is something to commit, and somewhere to commit it to. */
  canCommit(): boolean
  commit(): Promise<void>
}

/** When to commit: one transaction at a time, and the next takes all that came meanwhile (D2). */
export interface CommitPace {
  /** Events have come. */
  appended(): void
  /** Resolves once all that there is now is committed, or has failed to be. */
  soon(): Promise<void>
  /** The same, without the wait for what else may come: somebody waits for it. */
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
      // An event that comes alone: what is about to be delivered goes first.
      if (!isHurried) await wait(isFast ? left : 0)
      committedAt = platform.now()
      if (canCommit()) await commit()
    }
  }

  const soon = (): Promise<void> => {
    committing ??= commitAll().finally(() => {
      committing = null
      isHurried = false
      // What came between the loop's last look and now.
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
