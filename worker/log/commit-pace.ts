import { createMeanGap } from '../base/mean-gap.ts'
import type { Platform } from '../base/platform.ts'

/**
 * ms from one commit to the next, at least, once events come faster than that. A transaction costs as much as hundreds of events in it: one for each event
 * of a stream with 10 a second cost more than to deliver them to a tab. If a hub dies before it commits, the tabs
 * remember what they had, and the server sends the rest again.
 */
const QUIET_SPACING = 1_000
/**
 * The same where more than `MUCH` waits to be committed, or where hubs follow, whose tabs may wait for this hub's
 * commits. In a flood, a transaction a frame took as much of the machine as all the deliveries.
 */
const DENSE_SPACING = 100
/** In characters. */
const MUCH = 256 * 1024

export interface CommitPaceOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** Whether other hubs follow this one. */
  hasFollowers(): boolean
  /** Whether there is something to commit, and a database to commit it to. */
  canCommit(): boolean
  commit(): Promise<void>
}

/** When to commit: one transaction at a time, and the next one takes all that came meanwhile (D2). */
export interface CommitPace {
  /** Events have come. @param size in characters */
  appended(size: number): void
  /** Resolves once all that there is now is committed, or has failed to be. */
  soon(): Promise<void>
  /** Does what `soon` does, without the wait for further events: somebody waits for this commit. */
  now(): Promise<void>
}

export const createCommitPace = ({
  platform,
  hasFollowers,
  canCommit,
  commit,
}: CommitPaceOptions): CommitPace => {
  const gap = createMeanGap(platform, QUIET_SPACING)
  let committing: Promise<void> | null = null
  let committedAt = 0
  /** Characters that wait to be committed. */
  let waiting = 0
  let isHurried = false
  let endWait = () => {}

  /** @returns whether the wait was cut short */
  const wait = (ms: number) =>
    new Promise<boolean>((resolve) => {
      const cancel = platform.after(ms, () => resolve(false))
      endWait = () => {
        cancel()
        resolve(true)
      }
    })

  const isDense = () => waiting > MUCH || hasFollowers()
  /** ms until the next commit is due. */
  const left = () => {
    const spacing = isDense() ? DENSE_SPACING : QUIET_SPACING
    if (gap.ms() >= spacing / 2) return 0
    // A clock that was set back makes nobody wait for longer.
    return Math.max(0, spacing - Math.abs(platform.now() - committedAt))
  }

  const commitAll = async () => {
    while (canCommit()) {
      // An event that comes alone waits one turn all the same, so that its delivery goes first.
      for (let mustWait = !isHurried; mustWait; ) mustWait = (await wait(left())) && !isHurried
      committedAt = platform.now()
      waiting = 0
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
    appended(size) {
      const wasDense = isDense()
      waiting += size
      gap.came()
      // The wait under way may be the longer one.
      if (!wasDense && isDense()) endWait()
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
