/** A Web Lock that this page holds, or waits for. */
export interface HeldLock {
  /** Resolves once it is granted. */
  held: Promise<void>
  /** Lets go of it. May come before it is granted. */
  release(): void
}

/** @param name of the lock */
export const holdLock = (name: string): HeldLock => {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const held = new Promise<void>((resolve) => {
    const request = navigator.locks.request(name, () => {
      resolve()
      return released
    })
    // WebKit takes the locks of a page away that goes into the back/forward cache: the request rejects.
    request.catch(() => {})
  })
  return { held, release }
}
