import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authenticate, bearerToken, streamClient } from '../auth/authenticate.ts'
import type { Authorize } from '../auth/authorize.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { Cookies } from '../http/cookies.ts'
import type { Origins } from '../http/origins.ts'
import { problem } from '../http/problem.ts'
import type { IsExceeded } from '../http/rate-limits.ts'
import { streamPath } from '../http/stream-path.ts'
import type { EventStore } from '../store/event-store.ts'
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
  store: EventStore
  feeds: Feeds
  tokens: Tokens
  cookies: Cookies
  origins: Origins
  registry: StreamRegistry
  audit: StreamAudit
  meter: StreamMeter
  /** Counts streams that a user opens, or tries to. */
  isExceeded: IsExceeded
  settings: StreamSettings
  /** A user's stream has opened. */
  onOpen: (user: string) => void
}

/** By name or by look: a JWT that goes by the name of `x` ends up in the same proxy log. */
const carriesToken = (query: unknown): boolean =>
  Object.entries(query as Record<string, string | string[]>).some(
    ([name, value]) =>
      /token|jwt|auth|bearer|secret|api_?key/i.test(name) || /(^|,)eyJ[\w-]*\.[\w-]+\./.test(String(value)),
  )

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** The stream itself: R1 to R4 and R6. */
export const streamRoute = (app: FastifyInstance, options: StreamRouteOptions): void => {
  const { store, feeds, tokens, cookies, origins, registry, audit, meter, settings, onOpen } = options
  const { isExceeded } = options

  const retry = () => retryFor(registry.load(), settings.reconnectsPerSecond)

  // Without `exposeHeadRoute: false` a HEAD request would open a stream, and hold a place for ever.
  app.get(streamPath, { exposeHeadRoute: false }, async (request, reply) => {
    if (carriesToken(request.query))
      return problem(
        reply,
        400,
        'token_in_url',
        'A token in a URL ends up in logs and histories. Send it as Authorization: Bearer, or use the cookie of POST /api/v1/auth/sse-token. Treat the token that you sent as leaked.',
      )

    const client = streamClient(request, reply)
    if (client === undefined) return reply
    const bearer = bearerToken(request)
    // A cookie goes along whoever asks. This header doesn't: across origins it takes a preflight. A browser's own
    // EventSource can't send one; there fetch metadata vouch, which no page can write.
    const named = Object.keys(request.cookies).some((name) => name.startsWith(cookies.sse(null).name))
    if (bearer === undefined && client === null && named && !origins.isTrusted(request))
      return problem(
        reply,
        403,
        'csrf',
        'A stream that is opened by the cookie needs a Stream-Client header, or Sec-Fetch-Site: same-origin.',
      )

    const cookie = request.cookies[cookies.sse(client).name] ?? request.cookies[cookies.sse(null).name]
    const token = bearer ?? cookie
    const login = await authenticate(request, reply, tokens, 'sse', token)
    if (!login) return reply

    if (login.client !== null && login.client !== client) {
      reply.header('WWW-Authenticate', 'Bearer error="invalid_token"')
      return problem(
        reply,
        401,
        'token_of_another_client',
        'That SSE token was given to another Stream-Client. Get one at POST /api/v1/auth/sse-token.',
      )
    }

    if (await isExceeded(request, reply)) return reply

    const lastEventId = header(request, 'last-event-id')
    // The client may go before it is known whether it has a place.
    let gone = false
    let place: Place | undefined
    reply.raw.on('close', () => {
      gone = true
      place?.release()
    })
    place = await registry.claim({
      user: login.user,
      client,
      lastEventId: lastEventId ?? null,
      session: login.id,
      began: login.began,
    })
    if (!place) {
      reply.header('Retry-After', settings.limitRetryAfter)
      return problem(
        reply,
        429,
        'too_many_streams',
        `${login.user} has ${settings.streamsPerUser} streams open already. Close one, or wait as Retry-After says.`,
      )
    }
    if (gone) place.release()

    let resumption: Resumption
    try {
      resumption = await resumeAfter(store, login.user, lastEventId)
    } catch (error) {
      // The answer says so and its connection may live on: the place is not to wait for that.
      place.release()
      throw error
    }
    // Meanwhile the client may have gone, another stream replaced this one, or the server begun to close.
    if (!place.held()) {
      audit.lost(request, login)
      reply.hijack()
      reply.raw.destroy()
      return reply
    }

    reply.hijack()
    // Helmet's and cors's headers are Fastify's until now.
    for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value!)
    reply.raw.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
      // A client whose log-in is another user's by now can tell before the first event (A3).
      'Stream-User': encodeURIComponent(login.user),
      ...(resumption.state === 'fresh' ? {} : { 'Stream-Resume': resumption.state }),
    })
    // The comment makes headers leave at once. The position lets a client that is cut before its first event
    // resume all the same.
    reply.raw.write(formatComment('open'))
    if (resumption.state !== 'continue') reply.raw.write(formatPosition(resumption.id))

    const formatOwnRetry = (milliseconds: number) =>
      formatRetry(retryOf(milliseconds, client !== null, Math.random()))
    // Clients of a node that goes come back over a while; one that was replaced is not to come back.
    const farewell = (reason: EndReason): string => {
      if (reason === 'replaced') return formatReplaced()
      return reason === 'server-closed' ? formatOwnRetry(retry()) : ''
    }
    const ended = audit.opened(request, login, resumption.state)
    const measured = meter.opened(resumption)
    place.attach(
      openEventStream({
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
      }),
    )
    onOpen(login.user)
    return reply
  })
}
