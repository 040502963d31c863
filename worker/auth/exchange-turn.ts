import type { Platform } from '../base/platform.ts'

/** ms that a turn lasts at most: a worker that is frozen in the middle of it must not stop the others. */
const LASTS = 5_000
/** ms that one is waited for. */
const WAITS = 10_000

/** One at a time over all workers of the origin, as far as that costs nobody the stream: then it goes on without. */
export const createTurn = (platform: Pick<Platform, 'after' | 'locks'>, name: string) => {
  let ours = false
  let release = () => {}
  const end = () => {
    ours = false
    release()
    release = () => {}
  }

  return {
    /** Resolves once it is ours, or has been waited for long enough. */
    take: (): Promise<void> =>
      new Promise((resolve) => {
        if (ours) return resolve()
        const wait = new AbortController()
        const cancelWait = platform.after(WAITS, () => wait.abort())
        const over = new Promise<void>((done) => {
          release = done
        })
        const mine = release
        const held = () => {
          cancelWait()
          resolve()
          // Ended already: nobody needs it any more.
          if (release !== mine) return
          ours = true
          const cancel = platform.after(LASTS, () => release === mine && end())
          return over.finally(cancel)
        }
        platform.locks.request(name, { signal: wait.signal }, held).catch(() => resolve())
      }),
    end,
  }
}
