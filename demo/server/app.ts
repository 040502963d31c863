import type { AddressInfo } from 'node:net'
import cookie from '@fastify/cookie'
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'
import { openAuditLog } from './audit-log.ts'
import { authRoutes } from './auth-routes.ts'
import { createCookies } from './cookies.ts'
import { debugRoutes, describeConnections } from './debug-routes.ts'
import { openEventSigning } from './event-signing.ts'
import { jwksRoute } from './jwks-route.ts'
import { openLmdbStore } from './lmdb-store.ts'
import { novelRoute } from './novel-route.ts'
import { type ServerOptions, withDefaults } from './options.ts'
import { createOrigins } from './origins.ts'
import { createPipeline } from './pipeline.ts'
import { pipelineRoute } from './pipeline-route.ts'
import { acceptEmptyJson, useProblems } from './problem.ts'
import { publishRoute } from './publish-route.ts'
import { createPublisher, type PublishedEvent } from './publisher.ts'
import { createRateLimits } from './rate-limits.ts'
import { createRequestLog } from './request-log.ts'
import { openRevocations } from './revocations.ts'
import { loadSecret } from './secret.ts'
import { securityHeaders } from './security-headers.ts'
import { readChapters, story } from './story.ts'
import { createStreamAudit } from './stream-audit.ts'
import { createStreamRegistry } from './stream-registry.ts'
import { streamRoute } from './stream-route.ts'
import { createTokens } from './tokens.ts'

export type { ServerOptions } from './options.ts'

/** Wires the parts, and listens on 127.0.0.1 only. Rejects, with nothing left open, if it can't listen. */
export const startServer = async (options: ServerOptions) => {
  const settings = withDefaults(options)
  const { dataDir, now, random } = settings
  const origins = createOrigins(settings)
  const cookies = createCookies(origins.isSecure)
  const signing = await openEventSigning({
    dataDir,
    audience: settings.audience,
    retention: settings.signingKeyRetention,
    now,
  })
  const app = fastify({
    logger: settings.logger,
    forceCloseConnections: true,
    trustProxy: settings.trustProxy,
  })
  const auditLog = openAuditLog({
    dataDir,
    key: settings.auditKey ?? loadSecret(dataDir, 'audit-key', random),
    now,
    onError: (error) => app.log.error(error),
  })
  const revocations = openRevocations(dataDir, now)
  const tokens = createTokens({
    secret: Buffer.from(loadSecret(dataDir, 'token-secret', random), 'hex'),
    lives: {
      access: settings.accessTokenLife,
      sse: settings.sseTokenLife,
      refresh: settings.refreshTokenLife,
    },
    overlap: settings.sseTokenOverlap,
    revocations,
    now,
    random,
  })
  const store = settings.store ?? openLmdbStore({ dataDir, retention: settings.retention, random })
  const publish = createPublisher({ store, signing, critical: settings.critical })
  const registry = createStreamRegistry({ streamsPerUser: settings.streamsPerUser, now })
  const pipeline = createPipeline({
    begin: () => story(readChapters(), random(4).toString('hex')),
    publish,
    hasReader: registry.has,
    interval: settings.pipelineInterval,
    onError: (error) => app.log.error(error),
  })

  app.addHook('preClose', async () => {
    pipeline.close()
    registry.close()
  })
  app.addHook('onClose', async () => {
    await Promise.all([store.close(), revocations.close(), auditLog.close()])
  })

  const revokeUser = async (user: string) => {
    await tokens.revokeUser(user)
    registry.revoke({ user })
  }

  const onOpen = (user: string) => {
    if (settings.pipeline === 'automatic' && pipeline.state(user) === 'stopped')
      pipeline.start(user).catch((error: unknown) => app.log.error(error))
  }

  try {
    await securityHeaders(app, { origins, trustedTypes: settings.trustedTypes })
    await app.register(cookie)
    useProblems(app)
    const limits = await createRateLimits(app, settings)
    const audit = createStreamAudit(app, { log: auditLog, now, random })
    const requests = settings.debug ? createRequestLog(app, now) : undefined
    origins.guard(app)
    acceptEmptyJson(app)
    if (requests) debugRoutes(app, { store, registry, tokens, signing, requests, publish, revokeUser })
    authRoutes(app, {
      tokens,
      cookies,
      origins,
      limits,
      users: settings.users,
      onRevoked: (session) => registry.revoke({ session }),
    })
    streamRoute(app, { store, tokens, cookies, registry, audit, settings, onOpen })
    publishRoute(app, { publish, tokens, maxPayload: settings.maxPayload })
    novelRoute(app, { store, tokens, authorize: settings.authorize })
    pipelineRoute(app, pipeline, tokens)
    jwksRoute(app, signing)
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
    publish: (user: string, events: readonly PublishedEvent[]) => publish(user, events),
    /** As GET /debug/connections. */
    connections: () => describeConnections(registry),
    /** Voids every token that a user has by now, and ends the streams. Who can log in again may. */
    revokeUser,
    /** A new key signs critical events from now on. */
    rotateKeys: signing.rotate,
    /** Ends every stream at once, then frees port and store. */
    close: () => app.close(),
  }
}

export type RunningServer = Awaited<ReturnType<typeof startServer>>
