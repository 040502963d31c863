/**
 * Places for streams (R6): at most so many a user, over all that share them. A lease that isn't renewed for `life`
 * ends by itself, so a node that is killed takes no place with it. local-leases.ts is one process's, redis-leases.ts
 * many nodes'.
 */

export interface Lease {
  /** Random: names this lease alone. */
  id: string
  user: string
  /** The browser, as it names itself in `Stream-Client`; null if it doesn't. */
  client: string | null
}

/** The topics that a client wants to have of its stream that is open: all of them (R8). */
export interface WantedTopics {
  /** Counts up with each set that is asked for. */
  rev: number
  topics: readonly string[]
}

/** `stale`: a set of the same or a higher number is known. `gone`: the client has no such stream. */
export type Want = 'taken' | 'stale' | 'gone'

export type Claimed =
  | {
      state: 'granted'
      /** Another stream of the same client had to give way, here or elsewhere. */
      replaced: boolean
      /** Leases of the user over all nodes, this one included. */
      count: number
    }
  | { state: 'refused' }

export interface Leases {
  /** Milliseconds that a lease outlives its last renewal. `Infinity`: there is nothing to renew. */
  readonly life: number
  /** Atomic: of any number that ask at once, no more are granted than there are places. */
  claim(lease: Lease): Promise<Claimed>
  /** `lost`: it had ended, and its place is taken. One that merely ended is granted anew. */
  renew(lease: Lease): Promise<'held' | 'replaced' | 'lost'>
  release(lease: Lease): Promise<void>
  /** Whether the user has a stream, on whatever node. */
  has(user: string): Promise<boolean>
  /** Notes, for as long as the lease is held, what its client wants; whatever node that comes to. Atomic. */
  want(lease: Lease, wanted: WantedTopics): Promise<Want>
  /** What was noted last. */
  wanted(lease: Pick<Lease, 'id' | 'user'>): Promise<WantedTopics | null>
  /** Hears of leases of which something else is wanted; may miss one. */
  onWanted(listener: (id: string) => void): void
  /** Hears of leases that were replaced, its own node's among them; may miss one, which `renew` then tells. */
  onReplaced(listener: (id: string) => void): void
}
