import { turn } from './turns.ts'

type Run = (lock: Lock | null) => unknown

/** Web Locks, exclusive and first come first served. A holder is killed by hand. */
export const createFakeLocks = () => {
  const holders = new Map<string, symbol>()
  const queues = new Map<string, (() => void)[]>()

  const free = (name: string, holder: symbol | undefined) => {
    if (holder === undefined || holders.get(name) !== holder) return
    holders.delete(name)
    queues.get(name)?.shift()?.()
  }

  const request = (name: string, run: Run): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const grant = () => {
        const holder = Symbol(name)
        holders.set(name, holder)
        void turn()
          .then(() => run({ name, mode: 'exclusive' }))
          .then(resolve, reject)
          .finally(() => free(name, holder))
      }
      if (!holders.has(name)) return grant()
      queues.set(name, [...(queues.get(name) ?? []), grant])
    })

  return {
    request: request as unknown as LockManager['request'],
    isHeld: (name: string) => holders.has(name),
    queued: (name: string) => queues.get(name)?.length ?? 0,
    held: () => [...holders.keys()],
    /** Held until the returned function is called. */
    hold(name: string): () => void {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      void request(name, () => released)
      return release
    },
    /** As if the holder's context had died: its promise never settles, and the lock passes on. */
    kill: (name: string) => free(name, holders.get(name)),
  }
}

export type FakeLocks = ReturnType<typeof createFakeLocks>
