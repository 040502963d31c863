import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Tokens } from '../auth/tokens.ts'
import { problem } from '../http/problem.ts'
import { isName } from '../publish/event-rules.ts'
import type { Publish } from '../publish/publisher.ts'
import type { EventStore } from '../store/event-store.ts'
import { ownTopicOf } from '../store/topic-names.ts'
import type { StreamRegistry } from '../streams/stream-registry.ts'
import { fillerEvents } from './filler-events.ts'
import { openOtherBrowsers } from './other-browsers.ts'
import type { StreamWatch } from './watched-sockets.ts'

export interface DebugFaultsOptions {
  /** Whose sockets and listener are broken. */
  app: FastifyInstance
  watch: StreamWatch
  registry: StreamRegistry
  store: EventStore
  tokens: Tokens
  publish: Publish
  host: string
  streamsPerUser: number
  tls: boolean
}

interface Body {
  user?: string
  milliseconds?: number
  /** How many events are published for the user meanwhile. */
  count?: number
}

/** Milliseconds that a fault can be told to last. */
const longest = 60_000

const duration = ({ milliseconds }: Body, usual: number) =>
  Math.min(longest, Math.max(0, Number(milliseconds ?? usual)))

/**
 * What the demo page breaks. Each fault is done to what really carries the streams, sockets, listener and tokens;
 * nothing in the server's own code knows of them.
 */
export const debugFaults = (ops: FastifyInstance, options: DebugFaultsOptions): void => {
  const { app, watch, registry, store, tokens, publish, host, streamsPerUser, tls } = options
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  let restarting: Promise<unknown> = Promise.resolve()

  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  // A server that is away for a moment can't be closed: it comes back first.
  app.addHook('preClose', async () => {
    closing.abort()
    await restarting
  })

  const userOf = (body: unknown, reply: FastifyReply): (Body & { user: string }) | undefined => {
    const asked = (body ?? {}) as Body
    if (isName(asked.user)) return { ...asked, user: asked.user }
    problem(reply, 400, 'user_missing', 'Send { "user": "..." }.')
    return
  }

  /** What the page shows of the server, in one answer. */
  ops.get('/debug/user', async (request, reply) => {
    const asked = userOf(request.query, reply)
    if (!asked) return reply
    const { user } = asked
    const { last } = await store.bounds(ownTopicOf(user))
    reply.header('Cache-Control', 'no-store')
    return {
      published: last,
      connections: registry.counters.users()[user] ?? 0,
      limit: streamsPerUser,
      refused: watch.refused(user),
      bytes: watch.bytes(user),
      clients: registry
        .list()
        .filter((stream) => stream.user === user)
        .map(({ client }) => client),
    }
  })

  /** The listener and every socket close; the store stays. The same port listens again after `milliseconds`. */
  const restart = async (port: number, { milliseconds, user, count = 0 }: Body & { user: string }) => {
    const closed = new Promise((done) => app.server.close(done))
    for (const socket of sockets) socket.destroy()
    await closed
    if (count > 0) await publish(user, fillerEvents({ count }))
    await pause(milliseconds, undefined, { signal: closing.signal }).catch(() => {})
    app.server.listen({ port, host })
    await once(app.server, 'listening')
  }

  ops.post('/debug/restart', async (request, reply) => {
    const asked = userOf(request.body, reply)
    if (!asked) return reply
    const milliseconds = duration(asked, 1_500)
    const { port } = app.server.address() as { port: number }
    // Once the answer is out: its own socket goes too.
    reply.raw.on('finish', () =>
      setImmediate(() => {
        restarting = restart(port, { ...asked, milliseconds }).catch((error) => app.log.error(error))
      }),
    )
    return { milliseconds }
  })

  /** Nothing is written to the user's streams and nothing read, nothing is closed, and new ones get no answer. */
  ops.post('/debug/black-hole', async (request, reply) => {
    const asked = userOf(request.body, reply)
    if (!asked) return reply
    const milliseconds = duration(asked, 8_000)
    const held = watch.of(asked.user).map(({ socket }) => socket)
    for (const socket of held) {
      socket.pause()
      // Kept in this process: an end of the stream, or a ping, would tell the other side that somebody is there.
      socket.cork()
    }
    const over = pause(milliseconds, undefined, { ref: false })
    watch.hold(asked.user, over)
    void over.then(() => {
      for (const socket of held) {
        socket.uncork()
        socket.resume()
      }
    })
    return { sockets: held.length, milliseconds }
  })

  /** The SSE tokens of the open streams are void from now on, and the streams end as they do at that moment. */
  ops.post('/debug/expire-token', async (request, reply) => {
    const asked = userOf(request.body, reply)
    if (!asked) return reply
    const { user } = asked
    const streams = watch.of(user)
    for (const { jti, expiresAt } of streams) await tokens.revokeToken(jti, expiresAt)
    registry.each((stream) => stream.end('token-expired'), user)
    return { expired: streams.length }
  })

  /** Streams as other browsers of the user would open them, until one is refused. They end after `milliseconds`. */
  ops.post('/debug/other-browsers', async (request, reply) => {
    const asked = userOf(request.body, reply)
    if (!asked) return reply
    const { user } = asked
    const { port } = app.server.address() as { port: number }
    const { answers, close } = await openOtherBrowsers({
      url: `${tls ? 'https' : 'http'}://${host}:${port}`,
      most: streamsPerUser + 1,
      issue: async (client) => (await tokens.issue('sse', tokens.begin(user), client)).token,
    })
    setTimeout(close, duration(asked, 5_000)).unref()
    return { answers, connections: registry.counters.users()[user] ?? 0 }
  })
}
