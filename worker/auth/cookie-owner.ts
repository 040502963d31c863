import type { Platform } from '../base/platform.ts'

/**
 * Whose cookie it is. A browser keeps one cookie for all its users, and each exchange replaces it. Whoever exchanges
 * takes a Web Lock from the worker that had it, which then knows that its cookie is gone (A3).
 */
export interface CookieOwner {
  /** This worker's exchange has just set the cookie. @param onReplaced another worker has set one since */
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
      // Made here, since it may be disowned before the lock is granted.
      const disowned = new Promise<void>((resolve) => {
        disown = () => {
          isOwned = false
          resolve()
        }
      })
      // One's own next exchange takes the lock as well.
      platform.locks.request(name, { steal: true }, () => disowned).catch(() => isOwned && onReplaced())
    },
    disown: () => disown(),
  }
}
