import { LONGEST_TIMER, type Platform } from '../base/platform.ts'

/** ms from one look to the next, at least: each deletion costs a transaction. */
const SPACING = 60_000

export interface ExpiryOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** ms for which the log keeps an event. */
  age: number
  /** When the oldest event was received that this hub is to delete, in ms since 1970. `null`: there is none. */
  oldestAt(): number | null
  expire(): void
}

/** Lets go of expired events even if no new ones come (B2). */
export interface Expiry {
  /** There may be events whose expiry nobody watches yet. */
  watch(): void
  close(): void
}

export const createExpiry = ({ platform, age, oldestAt, expire }: ExpiryOptions): Expiry => {
  let cancel: (() => void) | null = null

  return {
    watch() {
      const at = oldestAt()
      if (cancel !== null || at === null) return
      const ms = Math.min(LONGEST_TIMER, Math.max(SPACING, at + age - platform.now() + 1))
      cancel = platform.after(ms, () => {
        cancel = null
        expire()
      })
    },
    close: () => cancel?.(),
  }
}
