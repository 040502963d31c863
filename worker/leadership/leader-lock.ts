import type { Platform } from '../base/platform.ts'

/** What a request for the lock tells its hub. */
export interface LockEvents {
  onGranted(): void
  /** The lock was taken from this hub: another hub has stolen it (L3). */
  onLost(): void
  /** The lock manager refused the request, for example since the browser denies Web Locks. */
  onRefused(cause: unknown): void
}

/**
 * One request for a key's lock, from asking to giving back. The object is the request's identity: a hub that asks
 * again has another object, and hears nothing more of the former.
 */
export interface LockRequest {
  /** Ends all news of this request, and withdraws it if it still waits. A lock that is held stays held. */
  forget(): void
  /** Does what `forget` does, and gives the lock back. */
  release(): void
}

export interface LeaderLock {
  /** @param steal take the lock from its holder, in front of all that wait (L4) */
  ask(steal: boolean, events: LockEvents): LockRequest
  /** Whether any hub of this lock manager holds the lock, or waits for it. */
  isAsked(): Promise<boolean>
}

/** The Web Lock of a key: whoever holds it may lead (L1). This file knows nothing of leaders or terms. */
export const createLeaderLock = ({ locks }: Pick<Platform, 'locks'>, name: string): LeaderLock => ({
  ask(steal, events) {
    const withdrawal = new AbortController()
    let hears = true
    let held = false
    let giveBack = () => {}
    const hold = () =>
      new Promise<void>((resolve) => {
        // The lock manager may grant the lock while this hub withdraws its request.
        if (!hears) return resolve()
        held = true
        giveBack = resolve
        events.onGranted()
      })
    const end = (cause: unknown) => {
      if (!hears) return
      hears = false
      if (held) events.onLost()
      else events.onRefused(cause)
    }
    // The standard forbids `signal` beside `steal` (Web Locks, 4.3.1), since a request that steals never waits.
    const options = steal ? { steal: true } : { signal: withdrawal.signal }
    locks.request(name, options, hold).then(end, end)
    const forget = () => {
      hears = false
      withdrawal.abort()
    }
    return {
      forget,
      release() {
        forget()
        giveBack()
      },
    }
  },
  async isAsked() {
    const { held = [], pending = [] } = await locks.query()
    return [...held, ...pending].some((each) => each.name === name)
  },
})
