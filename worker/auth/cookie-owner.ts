import type { Platform } from '../base/platform.ts'

/**
 * Which worker's exchange set the cookie. A browser keeps one cookie for all its users, and each exchange replaces the
 * cookie. The worker that exchanges steals a Web Lock from the one before. That one so learns that its cookie is gone
 * (A3).
 */
export interface CookieOwner {
  /** This worker's exchange has just set the cookie. @param onReplaced called once another worker sets a cookie */
  own(onReplaced: () => void): void
  /** The cookie is of no use to this worker any more. */
  disown(): void
}

export const createCookieOwner = (platform: Pick<Platform, 'locks'>, name: string): CookieOwner => {
  let disown = () => {}

  return {
    own(onReplaced) {
      disown()
      let isOwned = true
      // The promise is made here, since `disown` may be called before the lock is granted.
      const disowned = new Promise<void>((resolve) => {
        disown = () => {
          isOwned = false
          resolve()
        }
      })
      // The next exchange of this worker steals the lock as well, and is no replacement.
      platform.locks.request(name, { steal: true }, () => disowned).catch(() => isOwned && onReplaced())
    },
    disown: () => disown(),
  }
}
