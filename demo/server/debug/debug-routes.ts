import type { FastifyInstance } from 'fastify'
import type { Tokens } from '../auth/tokens.ts'
import { problem } from '../http/problem.ts'
import { isName } from '../publish/event-rules.ts'
import type { Publish, PublishedEvent } from '../publish/publisher.ts'
import { type EventStore, readAll } from '../store/event-store.ts'
import { ownTopicOf } from '../store/topic-names.ts'
import type { CountedStreams } from '../streams/stream-counters.ts'
import type { StreamDescription, StreamRegistry } from '../streams/stream-registry.ts'
import { fillerEvents } from './filler-events.ts'
import type { RequestLog } from './request-log.ts'

export interface DebugRoutesOptions {
  store: EventStore
  registry: StreamRegistry
  requests: RequestLog
  tokens: Tokens
  rotateKeys: () => Promise<{ kid: string }>
  publish: Publish
  revokeUser: (user: string) => Promise<void>
}

/** What /debug/connections answers. */
export interface Connections extends CountedStreams {
  total: number
  users: Record<string, number>
  streams: StreamDescription[]
}

export const describeConnections = (registry: StreamRegistry): Connections => {
  const streams = registry.list()
  return { total: streams.length, users: registry.counters.users(), streams, ...registry.counters.read() }
}

/**
 * Development and tests only: nobody asks who you are. Registered with `debug: true`, otherwise these
 * addresses don't exist.
 */
export const debugRoutes = (app: FastifyInstance, options: DebugRoutesOptions): void => {
  const { store, registry, requests, tokens, rotateKeys, publish, revokeUser } = options

  app.get('/debug/connections', async (_, reply) => {
    reply.header('Cache-Control', 'no-store')
    return describeConnections(registry)
  })

  app.post('/debug/reset-counters', async () => {
    registry.resetCounters()
    requests.reset()
    return describeConnections(registry)
  })

  app.post('/debug/drop', async (request) => {
    const { user, midEvent = false } = (request.body ?? {}) as { user?: string; midEvent?: boolean }
    return {
      dropped: registry.each((stream) => (midEvent ? stream.dropInNextEvent() : stream.drop()), user),
    }
  })

  app.get('/debug/requests', async () => ({ requests: requests.read() }))

  app.post('/debug/token', async (request, reply) => {
    const { user, kind = 'access' } = (request.body ?? {}) as { user?: string; kind?: 'access' | 'sse' }
    if (!isName(user))
      return problem(reply, 400, 'user_missing', 'Send { "user": "...", "kind": "access" | "sse" }.')
    const { token, expiresAt } = await tokens.issue(kind, tokens.begin(user))
    return { token, expires_at: new Date(expiresAt).toISOString() }
  })

  app.post('/debug/revoke', async (request, reply) => {
    const { user } = (request.body ?? {}) as { user?: string }
    if (!isName(user)) return problem(reply, 400, 'user_missing', 'Send { "user": "..." }.')
    await revokeUser(user)
    return { user }
  })

  app.post('/debug/rotate-keys', rotateKeys)

  app.post('/debug/publish', { bodyLimit: 64 * 1024 * 1024 }, async (request, reply) => {
    const body = (request.body ?? {}) as {
      user?: string
      events?: PublishedEvent[]
      count?: number
      type?: string
      from?: number
      bytes?: number
    }
    if (!isName(body.user))
      return problem(reply, 400, 'user_missing', 'Send { "user": "...", "count": 100 }.')
    const events = body.events ?? fillerEvents(body)
    return { ids: await publish(body.user, events) }
  })

  app.get('/debug/events', async (request, reply) => {
    const { user } = request.query as { user?: string }
    if (!isName(user)) return problem(reply, 400, 'user_missing', 'Name the user: /debug/events?user=alice')
    const topic = ownTopicOf(user)
    const { first, last } = await store.bounds(topic)
    const ids: string[] = []
    for await (const { id } of readAll(store, topic)) ids.push(id)
    return { epoch: (await store.head()).split('-')[0], first, last, ids }
  })
}
