import { hubLock, tabLock } from '../shared/names.ts'

/** Characters of `crypto.randomUUID()`. */
const UUID = 36

/**
 * A worker's generation is what its name ends with: '' for the first worker of a key, else a text that starts with
 * `#`. A tab's random id ends with it as well, so that the tab's lock says which worker the tab is at.
 */
export const newTabId = (workerGeneration: string): string => crypto.randomUUID() + workerGeneration

/** The locks of this origin; empty if the browser denies this page its locks. */
const queryLocks = (): Promise<LockManagerSnapshot> => navigator.locks.query().catch(() => ({}))

/**
 * The generation of another worker that has tabs; `undefined`: no such worker can be seen. A worker that hangs keeps
 * its name for as long as its pages live. A new tab can't know which generation the other tabs have derived since.
 * The worker that is found may be another stream's: then this tab starts a new worker of that generation, which does
 * not hang.
 *
 * Only requests that wait are looked at: it is a tab's hub that waits for the tab's lock. The holder may be a hub
 * that hangs, and was granted the lock when the tab let go.
 */
export const findOtherGeneration = async (workerGeneration: string): Promise<string | undefined> => {
  const start = tabLock('')
  const { pending = [] } = await queryLocks()
  return pending
    .map(({ name = '' }) => (name.startsWith(start) ? name.slice(start.length + UUID) : ''))
    .findLast((each) => each !== '' && each !== workerGeneration)
}

/** Whether no worker of this origin runs a hub: a hub holds its lock from the call of `serve()` on. */
export const isNoHubThere = async (): Promise<boolean> => {
  const { held } = await queryLocks()
  return held !== undefined && !held.some(({ name }) => name?.startsWith(hubLock('')))
}
