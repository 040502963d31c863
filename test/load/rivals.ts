import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sse from '@fastify/sse'
import { createChannel, createSession } from 'better-sse'
import fastify, { type FastifyReply } from 'fastify'
import { startServer } from '../../demo/server/app.ts'

/**
 * One server of the comparison in a process of its own: the first argument says which. Told what to do by messages.
 */

interface Server {
  port: number
  path: string
  token?: string
  publish: (data: { n: number; sent: number }) => Promise<unknown>
  close: () => Promise<unknown>
}

/** Any one user, so that all streams have the same events, as rivals know no other way. */
const user = 'everybody'

const kinds: Record<string, () => Promise<Server>> = {
  async tabstream() {
    const dataDir = mkdtempSync(join(tmpdir(), 'tabstream-bench-'))
    const server = await startServer({ dataDir, debug: true, streamsPerUser: Number.POSITIVE_INFINITY })
    const response = await fetch(`${server.url}/debug/token`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user, kind: 'sse' }),
    })
    const { token } = (await response.json()) as { token: string }
    return {
      port: server.port,
      path: '/api/v1/events/stream',
      token,
      publish: (data) => server.publish(user, [{ type: 'tick', data }]),
      close: async () => {
        await server.close()
        rmSync(dataDir, { recursive: true, force: true })
      },
    }
  },

  async 'better-sse'() {
    const channel = createChannel()
    const server = createServer(async (request, response) => {
      channel.register(await createSession(request, response, { keepAlive: 15_000 }))
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', 4_096, listening))
    return {
      port: (server.address() as { port: number }).port,
      path: '/',
      publish: async (data) => channel.broadcast(data, 'tick', { eventId: String(data.n) }),
      close: async () => server.close().closeAllConnections(),
    }
  },

  async '@fastify/sse'() {
    const app = fastify({ forceCloseConnections: true })
    await app.register(sse, { heartbeatInterval: 15_000 })
    const replies = new Set<FastifyReply>()
    app.get('/', { sse: 'only' }, async (_, reply) => {
      reply.sse.keepAlive()
      replies.add(reply)
      reply.sse.onClose(() => void replies.delete(reply))
      // Its head leaves with the first event only.
      await reply.sse.send({ event: 'open', data: '' })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return {
      port: (app.server.address() as { port: number }).port,
      path: '/',
      publish: async (data) => {
        const event = { id: String(data.n), event: 'tick', data }
        await Promise.all([...replies].map((reply) => reply.sse.send(event)))
      },
      close: () => app.close(),
    }
  },
}

const server = await kinds[process.argv[2]!]!()
const say = (line: object) => process.send!(line)
say({ port: server.port, path: server.path, token: server.token })

let n = 0
process.on('message', async (message: { kind: 'publish' | 'memory'; count: number; every: number }) => {
  if (message.kind === 'memory') {
    globalThis.gc?.()
    globalThis.gc?.()
    return say({ memory: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed })
  }
  const publish = () => {
    n += 1
    return server.publish({ n, sent: performance.timeOrigin + performance.now() })
  }
  if (message.every === 0) await Promise.all(Array.from({ length: message.count }, publish))
  else
    for (let event = 0; event < message.count; event++) {
      const due = performance.now() + message.every
      await publish()
      await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())))
    }
  say({ published: n })
})
process.on('disconnect', () => void server.close().then(() => process.exit(0)))
