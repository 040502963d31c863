import type { Platform } from '../base/platform.ts'

/**
 * ms without a sign that this hub runs, beyond which it may have been frozen. Less than the silence after which a
 * hub is robbed at the earliest (L4), so that no freeze in which this hub was robbed goes unseen.
 */
const FROZEN_AFTER = 1_500

export interface FreezeGuard {
  /** This hub runs now. */
  ran(): void
  /** Starts over: what was before says nothing. */
  reset(): void
  /**
   * Resolves once all news of the hub's lock has arrived that a freeze may have held up (L3). At once, if this hub
   * was seen to run all the time. By the time that the lock manager has answered, it has also told of a steal.
   */
  catchUp(): Promise<void>
}

/**
 * Tells whether this hub may have been frozen, by the clock alone. A hub that leads alone has no timer (P11), hence
 * "may": after a pause in the stream the lock manager is asked once, which takes less than a millisecond.
 */
export const createFreezeGuard = ({ now, locks }: Pick<Platform, 'now' | 'locks'>): FreezeGuard => {
  let ranAt = now()
  let suspected = false
  const ran = () => {
    suspected ||= now() - ranAt > FROZEN_AFTER
    ranAt = now()
  }
  return {
    ran,
    reset() {
      ranAt = now()
      suspected = false
    },
    async catchUp() {
      ran()
      while (suspected) {
        await locks.query()
        // The answer itself may have been held up by another freeze.
        suspected = now() - ranAt > FROZEN_AFTER
        ranAt = now()
      }
    },
  }
}
