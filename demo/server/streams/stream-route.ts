import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authorize } from '../auth/authorize.ts'
import type { Authenticated } from '../auth/tokens.ts'
import { problem } from '../http/problem.ts'
import { streamPath } from '../http/stream-path.ts'
import type { EventStore } from '../store/event-store.ts'
import type { AdmitStream, Admitted } from './admit-stream.ts'
import { type EndReason, openEventStream } from './event-stream.ts'
import type { Feeds } from './feeds.ts'
import { formatReplaced, retryFor, retryOf, shortestRetry } from './reconnect-spread.ts'
import { type Resumption, resumeAfter } from './resumption.ts'
import { formatComment, formatPosition, formatRetry } from './sse-format.ts'
import type { StreamAudit } from './stream-audit.ts'
import type { StreamMeter } from './stream-meter.ts'
import type { Place, StreamRegistry } from './stream-registry.ts'

/** As ServerOptions (options.ts) has them. */
export interface StreamSettings {
  pingInterval: number
  stallTimeout: number
  storePatience: number
  reconnectsPerSecond: number
  streamsPerUser: number
  limitRetryAfter: number
  authorize: Authorize
  now: () => number
}

export interface StreamRouteOptions {
  admit: AdmitStream
  store: EventStore
  feeds: Feeds
  registry: StreamRegistry
  audit: StreamAudit
  meter: StreamMeter
  settings: StreamSettings
  /** A user's stream has opened. */
  onOpen: (user: string) => void
}

const lastEventIdOf = (request: FastifyRequest): string | undefined => {
  const value = request.headers['last-event-id']
  return typeof value === 'string' ? value : undefined
}

const writeHead = (reply: FastifyReply, login: Authenticated, { state, id }: Resumption): void => {
  reply.hijack()
  // Helmet's and cors's headers are Fastify's until now.
  for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value!)
  reply.raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
    // A client whose log-in is another user's by now can tell before the first event (A3).
    'Stream-User': encodeURIComponent(login.user),
    ...(state === 'fresh' ? {} : { 'Stream-Resume': state }),
  })
  // The comment makes headers leave at once. The position lets a client that is cut before its first event
  // resume all the same.
  reply.raw.write(formatComment('open'))
  if (state !== 'continue') reply.raw.write(formatPosition(id))
}

/** The stream itself: R1 to R4 and R6. */
export const streamRoute = (app: FastifyInstance, options: StreamRouteOptions): void => {
  const { admit, store, feeds, registry, audit, meter, settings, onOpen } = options

  const retry = () => retryFor(registry.load(), settings.reconnectsPerSecond)

  /** Takes a place, which is given back when the socket closes. Otherwise the 429 is sent. */
  const claim = async (request: FastifyRequest, reply: FastifyReply, { login, client }: Admitted) => {
    // The client may go before it is known whether it has a place.
    let gone = false
    let place: Place | undefined
    reply.raw.on('close', () => {
      gone = true
      place?.release()
    })
    const { user, id: session, began } = login
    const lastEventId = lastEventIdOf(request) ?? null
    place = await registry.claim({ user, client, lastEventId, session, began })
    if (gone) place?.release()
    if (place) return place
    reply.header('Retry-After', settings.limitRetryAfter)
    problem(
      reply,
      429,
      'too_many_streams',
      `${user} has ${settings.streamsPerUser} streams open already. Close one, or wait as Retry-After says.`,
    )
    return
  }

  const resume = async (place: Place, request: FastifyRequest): Promise<Resumption> => {
    try {
      return await resumeAfter(store, place.user, lastEventIdOf(request))
    } catch (error) {
      // The answer says so and its connection may live on: the place is not to wait for that.
      place.release()
      throw error
    }
  }

  const open = (
    request: FastifyRequest,
    reply: FastifyReply,
    { login, client }: Admitted,
    resumption: Resumption,
  ) => {
    const formatOwnRetry = (milliseconds: number) =>
      formatRetry(retryOf(milliseconds, client !== null, Math.random()))
    // Clients of a node that goes come back over a while; one that was replaced is not to come back.
    const farewell = (reason: EndReason): string => {
      if (reason === 'replaced') return formatReplaced()
      return reason === 'server-closed' ? formatOwnRetry(retry()) : ''
    }
    const ended = audit.opened(request, login, resumption.state)
    const measured = meter.opened(resumption)
    return openEventStream({
      response: reply.raw,
      feeds,
      user: login.user,
      id: resumption.id,
      pingInterval: settings.pingInterval,
      stallTimeout: settings.stallTimeout,
      storePatience: settings.storePatience,
      life: login.expiresAt - settings.now(),
      authorize: (event) => settings.authorize(login.user, event),
      // What an earlier stream was told, who resumes goes by until it hears another.
      retry: {
        told: resumption.state === 'fresh' ? shortestRetry : null,
        now: retry,
        format: formatOwnRetry,
      },
      farewell,
      onSent: measured.sent,
      onEnd: (reason, events) => {
        ended(reason, events)
        measured.ended(reason)
      },
      onError: (error) => request.log.error(error),
    })
  }

  // Without `exposeHeadRoute: false` a HEAD request would open a stream, and hold a place for ever.
  app.get(streamPath, { exposeHeadRoute: false }, async (request, reply) => {
    const admitted = await admit(request, reply)
    if (!admitted) return reply
    const place = await claim(request, reply, admitted)
    if (!place) return reply
    const resumption = await resume(place, request)
    // Meanwhile the client may have gone, another stream replaced this one, or the server begun to close.
    if (!place.held()) {
      audit.lost(request, admitted.login)
      reply.hijack()
      reply.raw.destroy()
      return reply
    }
    writeHead(reply, admitted.login, resumption)
    place.attach(open(request, reply, admitted, resumption))
    onOpen(admitted.login.user)
    return reply
  })
}
