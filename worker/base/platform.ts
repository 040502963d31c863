/** A BroadcastChannel, as far as it is needed: everybody hears but the one who speaks. */
export interface Channel {
  post(message: unknown): void
  close(): void
}

/**
 * What a hub needs of the world, so that tests drive time, chance, the network and the locks by hand.
 * `worker/index.ts` is the only file that fills it from a worker's globals.
 */
export interface Platform {
  /** Wall clock, in ms since 1970. */
  now(): number
  /** In [0, 1). */
  random(): number
  uuid(): string
  /** @returns cancels it */
  after(ms: number, run: () => void): () => void
  fetch: typeof globalThis.fetch
  locks: Pick<LockManager, 'request' | 'query'>
  /** The channel between the hubs of a key. */
  openChannel(name: string, onMessage: (message: unknown) => void): Channel
  isOnline(): boolean
  /** @returns stops listening */
  onConnectivity(listener: () => void): () => void
}

/** ms that a timer can run: beyond it, browsers fire it at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** Resolves after `ms`. */
export const pause = (platform: Pick<Platform, 'after'>, ms: number): Promise<void> =>
  new Promise((resolve) => void platform.after(ms, resolve))

/**
 * Settles as `promise` does, or rejects with `late()` after `ms`; its words are for those who pass them on. Time in
 * which this worker was frozen does not count: the answer may be waiting.
 */
export const withLimit = <T>(
  platform: Pick<Platform, 'after' | 'now'>,
  promise: Promise<T>,
  ms: number,
  late = () => new Error('late'),
): Promise<T> =>
  new Promise((resolve, reject) => {
    let cancel = () => {}
    const arm = () => {
      const armed = platform.now()
      const wasFrozen = () => platform.now() - armed > 2 * ms
      cancel = platform.after(ms, () => (wasFrozen() ? arm() : reject(late())))
    }
    arm()
    promise.then(resolve, reject).finally(() => cancel())
  })
