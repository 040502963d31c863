import type { AddressInfo } from 'node:net'
import cookie from '@fastify/cookie'
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'
import type { CatalogueEvent } from '../catalogue.ts'
import { authRoutes } from './auth-routes.ts'
import { type DebugEvent, toStored } from './debug-events.ts'
import { debugRoutes, describeConnections } from './debug-routes.ts'
import { openLmdbStore } from './lmdb-store.ts'
import { novelRoute } from './novel-route.ts'
import { type ServerOptions, withDefaults } from './options.ts'
import { createPipeline } from './pipeline.ts'
import { pipelineRoute } from './pipeline-route.ts'
import { acceptEmptyJson, useProblems } from './problem.ts'
import { publishRoute } from './publish-route.ts'
import { createRequestLog } from './request-log.ts'
import { loadSecret } from './secret.ts'
import { securityHeaders } from './security-headers.ts'
import { readChapters, story } from './story.ts'
import { createStreamRegistry } from './stream-registry.ts'
import { streamRoute } from './stream-route.ts'
import { createTokens } from './tokens.ts'

export type { ServerOptions } from './options.ts'

/** Wires the parts, and listens on 127.0.0.1 only. Rejects, with nothing left open, if it can't listen. */
export const startServer = async (options: ServerOptions) => {
  const settings = withDefaults(options)
  const { dataDir, now, random } = settings
  const tokens = createTokens({
    secret: loadSecret(dataDir, random),
    lives: {
      access: settings.accessTokenLife,
      sse: settings.sseTokenLife,
      refresh: settings.refreshTokenLife,
    },
    now,
  })
  const store = openLmdbStore({ dataDir, retention: settings.retention, random })
  const registry = createStreamRegistry({ streamsPerUser: settings.streamsPerUser, now })
  const app = fastify({ logger: settings.logger, forceCloseConnections: true })
  const pipeline = createPipeline({
    begin: () => story(readChapters(), random(4).toString('hex')),
    publish: (user, events: readonly CatalogueEvent[]) => store.append(user, events.map(toStored)),
    hasReader: registry.has,
    interval: settings.pipelineInterval,
    onError: (error) => app.log.error(error),
  })

  app.addHook('preClose', async () => {
    pipeline.close()
    registry.close()
  })
  app.addHook('onClose', () => store.close())

  const onOpen = (user: string) => {
    if (settings.pipeline === 'automatic' && pipeline.state(user) === 'stopped')
      pipeline.start(user).catch((error: unknown) => app.log.error(error))
  }

  try {
    await securityHeaders(app, settings.allowedOrigins)
    await app.register(cookie)
    useProblems(app)
    acceptEmptyJson(app)
    if (settings.debug) debugRoutes(app, { store, registry, tokens, requests: createRequestLog(app, now) })
    authRoutes(app, { tokens, users: settings.users })
    streamRoute(app, { store, tokens, registry, settings, onOpen })
    publishRoute(app, { store, tokens, maxPayload: settings.maxPayload })
    novelRoute(app, store, tokens)
    pipelineRoute(app, pipeline, tokens)
    if (settings.staticDir) await app.register(fastifyStatic, { root: settings.staticDir })
    await app.listen({ port: settings.port, host: '127.0.0.1' })
  } catch (error) {
    await app.close()
    throw error
  }

  const { port } = app.server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    /** As POST /debug/publish does, whether or not `debug` is on. */
    publish: (user: string, events: readonly DebugEvent[]) => store.append(user, events.map(toStored)),
    /** As GET /debug/connections. */
    connections: () => describeConnections(registry),
    /** Ends every stream at once, then frees port and store. */
    close: () => app.close(),
  }
}

export type RunningServer = Awaited<ReturnType<typeof startServer>>
