import type { Platform } from '../../../worker/base/platform.ts'
import { type LogStore, openLogStore } from '../../../worker/log/store.ts'
import type { FakePlatform } from './platform.ts'
import { turn } from './turns.ts'

/** Where a task comes from: the order holds within one source, and no further. */
type Source = 'timer' | 'channel' | 'lock' | 'net' | 'store' | 'port'

type Run = (lock: Lock | null) => unknown

/** How IndexedDB fares. */
export interface Storage {
  isBroken(process: Process): boolean
  /** Turns until a transaction begins. */
  latency(): number
}

/** A worker among others in one browser: it can be frozen between two tasks, thawed, and killed. */
export interface Process {
  platform: Platform
  openStore(name: string, onLost: () => void): Promise<LogStore>
  /** A task of this worker: held while it is frozen, dropped once it is dead. */
  enter(source: Source, run: () => void): void
  /** What `promise` comes to, told in such a task. */
  gated<T>(source: Source, promise: Promise<T>): Promise<T>
  isDead(): boolean
  isFrozen(): boolean
  /** It runs, and has taken all that came while it did not. */
  isAwake(): boolean
  /** @returns forgets it */
  onDeath(run: () => void): () => void
  freeze(): void
  /** What was held comes in some order, as far as its sources go. */
  thaw(): Promise<void>
  kill(): void
}

export const createProcess = (
  base: FakePlatform,
  fetch: (process: Process, url: string, init: RequestInit) => Promise<Response>,
  storage: Storage,
): Process => {
  let frozen = false
  let dead = false
  let draining = false
  const held = new Map<Source, (() => void)[]>()
  const deaths = new Set<() => void>()
  const onDeath = (run: () => void) => {
    deaths.add(run)
    return () => void deaths.delete(run)
  }

  const enter = (source: Source, run: () => void) => {
    if (dead) return
    if (frozen || draining) held.set(source, [...(held.get(source) ?? []), run])
    else run()
  }
  const gated = <T>(source: Source, promise: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      promise.then(
        (value) => enter(source, () => resolve(value)),
        (error) => enter(source, () => reject(error)),
      )
    })

  const request = (name: string, given: LockOptions | Run, callback?: Run): Promise<unknown> => {
    if (dead) return new Promise(() => {})
    const run = callback ?? (given as Run)
    const { steal = false, signal } = callback === undefined ? {} : (given as LockOptions)
    const abort = new AbortController()
    const forget = onDeath(() => abort.abort())
    if (signal?.aborted) abort.abort()
    signal?.addEventListener('abort', () => abort.abort(), { once: true })
    const options = steal ? { steal } : { signal: abort.signal }
    const granted = (lock: Lock | null) =>
      new Promise((resolve, reject) => {
        // It died while the grant was on its way.
        if (dead) return resolve(null)
        const forgetHold = onDeath(() => resolve(null))
        enter('lock', () => void Promise.resolve(lock).then(run).then(resolve, reject).finally(forgetHold))
      })
    return gated('lock', base.locks.request(name, options, granted).finally(forget))
  }

  const platform: Platform = {
    ...base,
    after(ms, run) {
      if (dead) return () => {}
      let cancelled = false
      const cancel = base.after(ms, () => enter('timer', () => cancelled || run()))
      return () => {
        // One that fell due during a freeze can still be cancelled after it.
        cancelled = true
        cancel()
      }
    },
    fetch: (input, init) => (dead ? new Promise(() => {}) : fetch(self, String(input), init ?? {})),
    locks: {
      request: request as unknown as LockManager['request'],
      query: () => gated('lock', base.locks.query()),
    },
    openChannel(name, onMessage) {
      const channel = base.channels.open(name, (message) => enter('channel', () => onMessage(message)))
      onDeath(channel.close)
      return {
        post: (message) => dead || channel.post(message),
        close: () => channel.close(),
      }
    },
  }

  const openStore = async (name: string, onLost: () => void): Promise<LogStore> => {
    if (storage.isBroken(self)) throw new Error('no disk')
    const store = await gated(
      'store',
      openLogStore(name, () => enter('store', onLost)),
    )
    onDeath(() => store.close())
    const use = async <T>(run: () => Promise<T>): Promise<T> => {
      // Queued behind others' transactions, for a while: a freeze or a death may come first.
      for (let wait = storage.latency(); wait > 0; wait--) await gated('store', turn())
      if (storage.isBroken(self)) throw new Error('no disk')
      return gated('store', run())
    }
    return {
      position: () => use(() => store.position()),
      all: () => use(() => store.all()),
      range: (from, to) => use(() => store.range(from, to)),
      commit: (commit) => use(() => store.commit(commit)),
      close: () => store.close(),
    }
  }

  const self: Process = {
    platform,
    openStore,
    enter,
    gated,
    isDead: () => dead,
    isFrozen: () => frozen,
    isAwake: () => !dead && !frozen && !draining,
    onDeath,
    freeze() {
      if (dead || frozen) return
      frozen = true
    },
    async thaw() {
      if (dead || !frozen) return
      frozen = false
      if (draining) return
      draining = true
      for (
        let sources = [...held.keys()];
        sources.length > 0 && !frozen && !dead;
        sources = [...held.keys()]
      ) {
        const source = sources[Math.floor(base.random() * sources.length)]!
        const [first, ...rest] = held.get(source)!
        if (rest.length > 0) held.set(source, rest)
        else held.delete(source)
        first!()
        await turn()
      }
      draining = false
    },
    kill() {
      if (dead) return
      dead = true
      held.clear()
      for (const run of [...deaths]) run()
    },
  }
  return self
}
