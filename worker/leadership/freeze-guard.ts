import type { Platform } from '../base/platform.ts'

/**
 * ms without a sign that this hub runs, after which it may have been frozen. Another hub may rob this one
 * only after a longer silence (L4, leader-watch.ts). So no freeze in which this hub was robbed goes unseen.
 */
const FROZEN_AFTER = 1_500

export interface FreezeGuard {
  /** This hub runs now. */
  ran(): void
  /** Forgets what it has seen so far: the hub begins to listen only now. */
  reset(): void
  /**
   * Resolves once all news of the hub's lock has arrived that a freeze may have held up (L3). The lock manager is
   * asked only if this hub may have been frozen. Its answer comes after its news of a steal.
   */
  catchUp(): Promise<void>
}

/**
 * Tells whether this hub may have been frozen, by the clock alone. The guard can't be sure, since a hub that leads
 * alone has no timer (P11): a pause in the stream looks like a freeze. One question to the lock manager then costs
 * less than a millisecond.
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
