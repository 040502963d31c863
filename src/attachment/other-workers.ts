import { hubLock, tabLock } from '../shared/names.ts'

/** Characters of `crypto.randomUUID()`. */
const UUID = 36

/**
 * A worker's generation is what its name ends with: '' for the first worker of a key, else a text that starts with `#`.
 * A tab's random id ends with it as well, so that the tab's lock says which worker the tab is at.
 */
export const newTabId = (workerGeneration: string): string => crypto.randomUUID() + workerGeneration

/** Empty where the browser denies this page its locks. */
const queryLocks = (): Promise<LockManagerSnapshot> => navigator.locks.query().catch(() => ({}))

/**
 * The generation of another worker that has tabs; `undefined`: there is none to be seen. A worker that hangs keeps
 * its own name for as long as its pages live, and a new tab cannot know what the others have derived from it, once
 * and again. The worker may be another stream's: then this tab meets no hub there, and none that hangs either.
 *
 * Who waits for a tab's lock is its hub. Who holds it may be a hub that hangs, to which it fell when the tab let go.
 */
export const findOtherGeneration = async (workerGeneration: string): Promise<string | undefined> => {
  const start = tabLock('')
  const { pending = [] } = await queryLocks()
  return pending
    .map(({ name = '' }) => (name.startsWith(start) ? name.slice(start.length + UUID) : ''))
    .findLast((each) => each !== '' && each !== workerGeneration)
}

/** Whether no worker of this origin runs a hub, which holds its lock from the call of `serve()` on. */
export const isNoHubThere = async (): Promise<boolean> => {
  const { held } = await queryLocks()
  return held !== undefined && !held.some(({ name }) => name?.startsWith(hubLock('')))
}
