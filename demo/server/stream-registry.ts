import type { EndReason, EventStream } from './event-stream.ts'
import { createStreamCounters } from './stream-counters.ts'

export interface StreamRegistryOptions {
  /** R6. */
  streamsPerUser: number
  now: () => number
}

export interface StreamClaim {
  user: string
  /** The browser, as it names itself in `Stream-Client`; null if it doesn't. */
  client: string | null
  lastEventId: string | null
  /** The log-in that the stream's token comes of. */
  session: string
}

/** A stream's place among the places of its user: taken before the stream opens, held until its socket closes. */
export interface Place extends StreamClaim {
  readonly openedAt: number
  /** False once another stream has replaced this one, the server closes, or the socket did. */
  held(): boolean
  /** Hands the opened stream over, so that the registry can end it. */
  attach(stream: EventStream): void
  release(): void
}

/** Which streams are open, and who may open one more (R6). In one process; over nodes this would be leases. */
export const createStreamRegistry = ({ streamsPerUser, now }: StreamRegistryOptions) => {
  const places = new Map<Place, EventStream | undefined>()
  const counters = createStreamCounters()

  const end = (place: Place, reason: EndReason) => {
    const stream = places.get(place)
    place.release()
    stream?.end(reason)
  }

  const of = (user?: string) =>
    [...places.keys()].filter((place) => user === undefined || place.user === user)

  return {
    counters,

    /** Takes a place at once, or answers undefined. The same browser's old stream is ended first. */
    claim(claim: StreamClaim): Place | undefined {
      const old = of(claim.user).find(({ client }) => client !== null && client === claim.client)
      if (old) {
        end(old, 'replaced')
        counters.replaced()
      }
      if (of(claim.user).length >= streamsPerUser) {
        counters.refused()
        return
      }
      const place: Place = {
        ...claim,
        openedAt: now(),
        held: () => places.has(place),
        attach: (stream) => places.set(place, stream),
        release: () => places.delete(place),
      }
      places.set(place, undefined)
      counters.opened(claim.user, of())
      return place
    },

    has: (user: string): boolean => of(user).length > 0,

    list: () =>
      of().map((place) => ({
        user: place.user,
        client: place.client,
        lastEventId: place.lastEventId,
        openedAt: new Date(place.openedAt).toISOString(),
        ...(places.get(place)?.counts() ?? { events: 0, buffered: 0 }),
      })),

    /** Applies `action` to the open streams, of one user or of all; returns how many there were. */
    each(action: (stream: EventStream) => void, user?: string): number {
      const streams = of(user).flatMap((place) => places.get(place) ?? [])
      streams.forEach(action)
      return streams.length
    },

    /** Starts the peaks over from what is open now. */
    resetCounters: () => counters.reset(of()),

    /** Ends the streams of a log-in, or of a user, that counts no more. */
    revoke({ session, user }: { session?: string; user?: string }): void {
      for (const place of of()) if (place.session === session || place.user === user) end(place, 'revoked')
    },

    close(): void {
      for (const place of of()) end(place, 'server-closed')
    },
  }
}

export type StreamRegistry = ReturnType<typeof createStreamRegistry>
