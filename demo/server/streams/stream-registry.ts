// Over 250 lines: what may end a stream, or change its topics, is found by its place.
import type { Lease, Leases, Want, WantedTopics } from '../store/leases.ts'
import type { EndReason, EventStream } from './event-stream.ts'
import { createStreamCounters, type StreamCounters } from './stream-counters.ts'
import type { StreamTopics } from './stream-topics.ts'

export interface StreamRegistryOptions {
  leases: Leases
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. */
  now: () => number
  /** Whether the log-in of a stream still counts; asked when its lease is renewed. */
  isRevoked: (claim: StreamClaim) => Promise<boolean>
  onError: (error: unknown) => void
  /** Milliseconds, never set back. Default `performance.now`. */
  clock?: () => number
}

export interface StreamClaim {
  user: string
  /** The browser, as it names itself in `Stream-Client`; null if it doesn't. */
  client: string | null
  lastEventId: string | null
  /** The log-in that the stream's token comes of. */
  session: string
  /** When that began: milliseconds since 1970. */
  began: number
}

/** A stream's place among the places of its user: taken before the stream opens, held until its socket closes. */
export interface Place extends StreamClaim {
  /** Names the place, and so the stream, over all nodes. */
  readonly id: string
  readonly openedAt: number
  /** False once another stream has replaced this one, the server closes, or the socket did. */
  held(): boolean
  /** Hands the opened stream over, so that the registry can end it. */
  attach(stream: EventStream, topics: StreamTopics): void
  release(): void
}

export interface StreamDescription {
  user: string
  client: string | null
  lastEventId: string | null
  /** ISO 8601. */
  openedAt: string
  /** Events written so far. */
  events: number
  /** Bytes that wait for the client to read. */
  buffered: number
}

export interface StreamRegistry {
  counters: StreamCounters
  /** Takes a place, or answers undefined. The same browser's old stream is ended, on whatever node it is. */
  claim(claim: StreamClaim): Promise<Place | undefined>
  /** Streams that are dropped together if this node goes. */
  load(): number
  /** Whether the user has a stream, here or on another node. */
  has(user: string): Promise<boolean>
  list(): StreamDescription[]
  /** Applies `action` to the open streams, of one user or of all; returns how many there were. */
  each(action: (stream: EventStream) => void, user?: string): number
  /** Another set of topics is wanted of a stream (R8), on whatever node that is. */
  want(stream: Lease, wanted: WantedTopics): Promise<Want>
  /** What was wanted last. */
  wanted(place: Pick<Place, 'id' | 'user'>): Promise<WantedTopics | null>
  /** A user may have the topic no more: its events end in the streams of this node. */
  revokeTopic(user: string, topic: string): void
  /** How often that was called. */
  topicRevocations(): number
  /** Topics that the streams of this node hold. */
  topics(): number
  /** Starts the peaks over from what is open now. */
  resetCounters(): void
  /** Ends the streams of a log-in, or of a user, that counts no more. */
  revoke(whose: { session?: string; user?: string }): void
  /** Ends all, and gives the places back. */
  close(): Promise<void>
}

interface Entry {
  place: Place
  lease: Lease
  state: 'asked' | 'held'
  stream?: EventStream
  topics?: StreamTopics
  /** By `clock`: when the lease was asked for or renewed last, with an answer. */
  renewedAt: number
  renewing: boolean
}

/** Milliseconds between two looks at which leases are due. */
const tick = 1_000
/** A lease is renewed after this share of its life: two renewals may fail before it ends. */
const renewalShare = 0.375

/**
 * Which streams this node has open, and who may open one more (R6). The places are the leases'; the registry renews
 * those of its streams, and ends a stream before its lease can be another's.
 */
export const createStreamRegistry = (options: StreamRegistryOptions): StreamRegistry => {
  const { leases, random, now, isRevoked, onError, clock = () => performance.now() } = options
  const entries = new Map<string, Entry>()
  /** Of streams that have ended while nobody could be told: tried again until they end by themselves. */
  const unreleased = new Map<string, { lease: Lease; until: number }>()
  const counters = createStreamCounters()
  let state: 'open' | 'closed' = 'open'
  /** Streams that end together, once the server closes. */
  let leaving = 0
  let topicRevocations = 0

  const heldEntries = () => [...entries.values()].filter((entry) => entry.state === 'held')

  const giveBack = (lease: Lease): Promise<void> =>
    leases.release(lease).then(
      () => void unreleased.delete(lease.id),
      () => void unreleased.set(lease.id, { lease, until: clock() + leases.life }),
    )

  const remove = async (entry: Entry): Promise<void> => {
    if (!entries.delete(entry.lease.id)) return
    entry.topics?.close()
    if (entry.state === 'held') counters.closed(entry.place)
    await giveBack(entry.lease)
  }

  const end = (entry: Entry, reason: EndReason): Promise<void> => {
    const released = remove(entry)
    entry.stream?.end(reason)
    return released
  }

  leases.onReplaced((id) => {
    const entry = entries.get(id)
    if (entry) void end(entry, 'replaced')
  })

  leases.onWanted((id) => entries.get(id)?.topics?.update())

  const renew = async (entry: Entry) => {
    entry.renewing = true
    const askedAt = clock()
    try {
      const [answer, revoked] = await Promise.all([leases.renew(entry.lease), isRevoked(entry.place)])
      if (answer === 'held') entry.renewedAt = askedAt
      else void end(entry, answer === 'replaced' ? 'replaced' : 'lease-lost')
      if (revoked) void end(entry, 'revoked')
    } finally {
      entry.renewing = false
    }
  }

  const look = () => {
    for (const entry of heldEntries()) {
      const age = clock() - entry.renewedAt
      if (age >= leases.life) void end(entry, 'lease-lost')
      // Where it can't be renewed it is tried again at the next tick.
      else if (age >= leases.life * renewalShare && !entry.renewing) renew(entry).catch(onError)
    }
    for (const [id, { lease, until }] of unreleased)
      if (clock() >= until) unreleased.delete(id)
      else void giveBack(lease)
  }
  const timer = Number.isFinite(leases.life) ? setInterval(look, tick).unref() : undefined

  return {
    counters,

    async claim(claim) {
      const lease: Lease = { id: random(16).toString('hex'), user: claim.user, client: claim.client }
      const place: Place = {
        ...claim,
        id: lease.id,
        openedAt: now(),
        held: () => entries.has(lease.id),
        attach(stream, topics) {
          entry.stream = stream
          entry.topics = topics
          if (!entries.has(lease.id)) topics.close()
        },
        release: () => void remove(entry),
      }
      const entry: Entry = { place, lease, state: 'asked', renewedAt: clock(), renewing: false }
      // Before the answer, since news that it was replaced may overtake that.
      entries.set(lease.id, entry)
      let claimed: Awaited<ReturnType<Leases['claim']>>
      try {
        claimed = await leases.claim(lease)
      } catch (error) {
        // Whether it was granted nobody knows.
        void remove(entry)
        throw error
      }
      if (claimed.state === 'refused') {
        entries.delete(lease.id)
        counters.refused()
        return
      }
      if (claimed.replaced) counters.replaced()
      if (!place.held()) return place
      if (state === 'closed') void remove(entry)
      else {
        entry.state = 'held'
        counters.opened(place)
      }
      return place
    },

    load: () => Math.max(leaving, counters.total()),

    has: leases.has,

    list: () =>
      heldEntries().map(({ place, stream }) => ({
        user: place.user,
        client: place.client,
        lastEventId: place.lastEventId,
        openedAt: new Date(place.openedAt).toISOString(),
        ...(stream?.counts() ?? { events: 0, buffered: 0 }),
      })),

    each(action, user) {
      const streams = heldEntries().flatMap(({ place, stream }) =>
        stream && (user === undefined || place.user === user) ? [stream] : [],
      )
      streams.forEach(action)
      return streams.length
    },

    want: leases.want,
    wanted: leases.wanted,

    revokeTopic(user, topic) {
      topicRevocations += 1
      for (const { place, topics } of heldEntries()) if (place.user === user) topics?.revoke(topic)
    },

    topicRevocations: () => topicRevocations,
    topics: () => heldEntries().reduce((sum, { topics }) => sum + (topics?.held() ?? 0), 0),

    resetCounters: counters.reset,

    revoke({ session, user }) {
      for (const entry of heldEntries())
        if (entry.place.session === session || entry.place.user === user) void end(entry, 'revoked')
    },

    async close() {
      state = 'closed'
      leaving = counters.total()
      clearInterval(timer)
      await Promise.all([...entries.values()].map((entry) => end(entry, 'server-closed')))
    },
  }
}
