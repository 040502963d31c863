import type { Clock } from '../../src/shared/with-limit.ts'

/** What is needed of a BroadcastChannel: all but the sender hear a message. */
export interface Channel {
  post(message: unknown): void
  close(): void
}

/**
 * What a hub needs of the world. It is handed in, so that tests drive time, chance, the network and the locks by hand.
 * `worker/index.ts` is the only file that makes one of a worker's globals.
 */
export interface Platform extends Clock {
  /** Wall clock, in ms since 1970. */
  now(): number
  /** In [0, 1). */
  random(): number
  uuid(): string
  fetch: typeof globalThis.fetch
  locks: Pick<LockManager, 'request' | 'query'>
  /** The channel between the hubs of a key. */
  openChannel(name: string, onMessage: (message: unknown) => void): Channel
  isOnline(): boolean
  /** @returns stops listening */
  onConnectivity(listener: () => void): () => void
}

/** The most ms that a timer can run: a browser fires a longer one at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** Resolves after `ms`. */
export const pause = (platform: Pick<Platform, 'after'>, ms: number): Promise<void> =>
  new Promise((resolve) => void platform.after(ms, resolve))
