import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authorize } from '../auth/authorize.ts'
import type { JudgeTopics, TopicStatus } from '../auth/authorize-topic.ts'
import type { Authenticated } from '../auth/tokens.ts'
import { problem } from '../http/problem.ts'
import { streamPath } from '../http/stream-path.ts'
import type { EventStore } from '../store/event-store.ts'
import { ownTopicOf } from '../store/topic-names.ts'
import type { AdmitStream, Admitted } from './admit-stream.ts'
import { type EndReason, openEventStream } from './event-stream.ts'
import type { Feeds } from './feeds.ts'
import { formatReplaced, retryFor, retryOf, shortestRetry } from './reconnect-spread.ts'
import { type Resumption, resumeAfter } from './resumption.ts'
import { formatComment, formatMarker, formatPosition, formatRetry } from './sse-format.ts'
import type { StreamAudit } from './stream-audit.ts'
import type { StreamMeter } from './stream-meter.ts'
import type { Place, StreamRegistry } from './stream-registry.ts'
import { createStreamTopics } from './stream-topics.ts'
import { topicsUrlOf } from './topics-route.ts'

/** As ServerOptions (options.ts) has them. */
export interface StreamSettings {
  pingInterval: number
  stallTimeout: number
  storePatience: number
  reconnectsPerSecond: number
  streamsPerUser: number
  limitRetryAfter: number
  topicCheckInterval: number
  authorize: Authorize
  now: () => number
}

export interface StreamRouteOptions {
  admit: AdmitStream
  judge: JudgeTopics
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

/** Topics that the request asks for (R7); null: it asks for none, and is not told of topics. */
const topicsOf = (request: FastifyRequest): string[] | null => {
  const { topic } = request.query as { topic?: string | string[] }
  return topic === undefined ? null : [topic].flat()
}

/** What is settled of a stream before it opens. */
interface Opening {
  resumption: Resumption
  asksForTopics: boolean
  /** Of the topics that were asked for. */
  verdicts: ReadonlyMap<string, TopicStatus>
  /** As the registry counted them before the verdicts. */
  topicRevocations: number
}

const granted = ({ verdicts }: Pick<Opening, 'verdicts'>) =>
  [...verdicts].flatMap(([topic, is]) => (is === 200 ? [topic] : []))

const statusesOf = ({ verdicts, resumption: { begins } }: Opening) =>
  Object.fromEntries([...verdicts].map(([topic, is]) => [topic, begins.has(topic) ? 410 : is]))

const writeHead = (reply: FastifyReply, login: Authenticated, place: Place, opening: Opening): void => {
  const { state, id } = opening.resumption
  reply.hijack()
  // Helmet's and cors's headers are Fastify's until now.
  for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value!)
  reply.raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
    // A client whose log-in is another user's by now can tell before the first event (A3).
    'Stream-User': encodeURIComponent(login.user),
    'Stream-Topics': topicsUrlOf(place.id),
    ...(state === 'fresh' ? {} : { 'Stream-Resume': state }),
  })
  // The comment makes headers leave at once. The position lets a client that is cut before its first event
  // resume all the same.
  reply.raw.write(formatComment('open'))
  if (opening.asksForTopics) reply.raw.write(formatMarker(id, 0, statusesOf(opening)))
  else if (state !== 'continue') reply.raw.write(formatPosition(id))
}

/** The stream itself: R1 to R4 and R6. */
export const streamRoute = (app: FastifyInstance, options: StreamRouteOptions): void => {
  // Over 80 lines: a stream's opening is one order of steps, each of which may end it.
  const { admit, judge, store, feeds, registry, audit, meter, settings, onOpen } = options

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

  const prepare = async ({ user, release }: Place, request: FastifyRequest): Promise<Opening> => {
    try {
      const topicRevocations = registry.topicRevocations()
      const asked = topicsOf(request)
      const verdicts = await judge(user, asked ?? [])
      const resumption = await resumeAfter(
        store,
        ownTopicOf(user),
        granted({ verdicts }),
        lastEventIdOf(request),
      )
      return { resumption, asksForTopics: asked !== null, verdicts, topicRevocations }
    } catch (error) {
      // The answer says so and its connection may live on: the place is not to wait for that.
      release()
      throw error
    }
  }

  const open = (
    request: FastifyRequest,
    reply: FastifyReply,
    { login, client }: Admitted,
    opening: Opening,
  ) => {
    const { resumption } = opening
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
      own: ownTopicOf(login.user),
      asked: opening.asksForTopics ? granted(opening) : null,
      id: resumption.id,
      begins: resumption.begins,
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
    const opening = await prepare(place, request)
    // Meanwhile the client may have gone, another stream replaced this one, or the server begun to close.
    if (!place.held()) {
      audit.lost(request, admitted.login)
      reply.hijack()
      reply.raw.destroy()
      return reply
    }
    writeHead(reply, admitted.login, place, opening)
    const stream = open(request, reply, admitted, opening)
    const topics = createStreamTopics({
      user: place.user,
      judge,
      verdicts: opening.verdicts,
      wanted: () => registry.wanted(place),
      change(change) {
        stream.change(change)
        meter.changed(change)
      },
      checkInterval: settings.topicCheckInterval,
      onError: (error) => request.log.error(error),
    })
    place.attach(stream, topics)
    meter.changed({ joined: granted(opening), left: [], statuses: statusesOf(opening) })
    // What was withdrawn meanwhile nobody has told this stream.
    if (registry.topicRevocations() !== opening.topicRevocations) topics.update()
    onOpen(admitted.login.user)
    return reply
  })
}
