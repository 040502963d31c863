import { turn } from './turns.ts'

type Run = (lock: Lock | null) => unknown

interface Holder {
  /** Takes the lock away: another has stolen it. */
  rob(): void
}

const aborted = () => new DOMException('The request was aborted.', 'AbortError')

/** Web Locks, exclusive and first come first served; `steal` and `signal` as the standard has them. A holder is killed by hand. */
export const createFakeLocks = () => {
  const holders = new Map<string, Holder>()
  const queues = new Map<string, (() => void)[]>()
  let denied = false

  const free = (name: string, holder: Holder | undefined) => {
    if (holder === undefined || holders.get(name) !== holder) return
    holders.delete(name)
    queues.get(name)?.shift()?.()
  }

  const request = (name: string, given: LockOptions | Run, callback?: Run): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const run = callback ?? (given as Run)
      const { steal = false, signal } = callback === undefined ? {} : (given as LockOptions)
      if (denied) return reject(new DOMException('The request was denied.', 'SecurityError'))
      const grant = () => {
        const holder: Holder = { rob: () => reject(aborted()) }
        holders.set(name, holder)
        void turn()
          .then(() => run({ name, mode: 'exclusive' }))
          .then(resolve, reject)
          .finally(() => free(name, holder))
      }
      if (signal?.aborted) return reject(aborted())
      if (steal) {
        const robbed = holders.get(name)
        grant()
        return robbed?.rob()
      }
      if (!holders.has(name)) return grant()
      queues.set(name, [...(queues.get(name) ?? []), grant])
      signal?.addEventListener('abort', () => {
        const queue = queues.get(name) ?? []
        if (!queue.includes(grant)) return
        queues.set(
          name,
          queue.filter((each) => each !== grant),
        )
        reject(aborted())
      })
    })

  return {
    request: request as unknown as LockManager['request'],
    query: async (): Promise<LockManagerSnapshot> => {
      await turn()
      if (denied) throw new DOMException('denied', 'SecurityError')
      const infos = (names: string[]) => names.map((name) => ({ name, mode: 'exclusive' as const }))
      const waiting = [...queues].flatMap(([name, queue]) => queue.map(() => name))
      return { held: infos([...holders.keys()]), pending: infos(waiting) }
    },
    /** Whether the browser denies Web Locks from now on, as Firefox does where cookies are blocked. */
    deny(value: boolean) {
      denied = value
    },
    isHeld: (name: string) => holders.has(name),
    queued: (name: string) => queues.get(name)?.length ?? 0,
    held: () => [...holders.keys()],
    /** Held until the returned function is called. */
    hold(name: string): () => void {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      request(name, () => released).catch(() => {})
      return release
    },
    /** As if the holder's context had died: its promise never settles, and the lock passes on. */
    kill: (name: string) => free(name, holders.get(name)),
  }
}

export type FakeLocks = ReturnType<typeof createFakeLocks>
