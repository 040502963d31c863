import { tabLock } from '../shared/names.ts'

/** Characters of `crypto.randomUUID()`. */
const UUID = 36

/** A tab's random id, which ends with what its worker's name ends with: so its lock says where it is. */
export const tabAt = (suffix: string): string => crypto.randomUUID() + suffix

/**
 * What another worker's name ends with that has tabs: a worker that hangs keeps its own name for as long as its pages
 * live, and a new tab cannot know what the others have derived from it, once and again. It may be another stream's;
 * then no hub is met there, and none that hangs either.
 *
 * Who waits for a tab's lock is its hub. Who holds it may be a hub that hangs, to which it fell when the tab let go.
 */
export const elsewhere = async (suffix: string): Promise<string | undefined> => {
  const start = tabLock('')
  const { pending = [] } = await navigator.locks.query()
  return pending
    .map(({ name = '' }) => (name.startsWith(start) ? name.slice(start.length + UUID) : ''))
    .findLast((each) => each !== '' && each !== suffix)
}
