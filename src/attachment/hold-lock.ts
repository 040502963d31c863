/** A Web Lock that this page holds, or waits for. */
export interface HeldLock {
  /** Resolves once it is granted; with `false` where the browser denies this page its locks. */
  held: Promise<boolean>
  /** Lets go of it. May come before it is granted. */
  release(): void
}

/** @param name of the lock */
export const holdLock = (name: string): HeldLock => {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const hold = async (granted: (isHeld: boolean) => void) => {
    try {
      await navigator.locks.request(name, () => {
        granted(true)
        return released
      })
    } catch {
      // Or it was taken away after its grant, which `held` has told: WebKit does so with a page that it caches.
      granted(false)
    }
  }
  return { held: new Promise((resolve) => void hold(resolve)), release }
}
