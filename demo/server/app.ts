import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import cookie from '@fastify/cookie'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyHttpOptions, type FastifyInstance, type RawServerDefault } from 'fastify'
import { openAuditLog } from './audit/audit-log.ts'
import { authRoutes } from './auth/auth-routes.ts'
import { createTokens } from './auth/tokens.ts'
import { debugFaults } from './debug/debug-faults.ts'
import { type Connections, debugRoutes, describeConnections } from './debug/debug-routes.ts'
import { createRequestLog } from './debug/request-log.ts'
import { watchStreams } from './debug/watched-sockets.ts'
import { createCookies } from './http/cookies.ts'
import { createOrigins } from './http/origins.ts'
import { acceptEmptyJson, useProblems } from './http/problem.ts'
import { createRateLimits } from './http/rate-limits.ts'
import { securityHeaders } from './http/security-headers.ts'
import { novelRoute } from './novel/novel-route.ts'
import { createPipeline } from './novel/pipeline.ts'
import { pipelineRoute } from './novel/pipeline-route.ts'
import { readChapters, story } from './novel/story.ts'
import { devCertificate } from './ops/dev-certificate.ts'
import { healthRoutes } from './ops/health-routes.ts'
import { loggerOptions } from './ops/logging.ts'
import { createMetrics } from './ops/metrics.ts'
import { type ServerOptions, type Settings, withDefaults } from './options.ts'
import { openEventSigning } from './publish/event-signing.ts'
import { jwksRoute } from './publish/jwks-route.ts'
import { publishRoute } from './publish/publish-route.ts'
import { createPublisher, type Publish, type PublishedEvent } from './publish/publisher.ts'
import { openBackend } from './store/backend.ts'
import { patiently } from './store/redis-connection.ts'
import { loadSecret } from './store/secret-file.ts'
import { createFeeds } from './streams/feeds.ts'
import { createStreamAudit } from './streams/stream-audit.ts'
import { createStreamRegistry } from './streams/stream-registry.ts'
import { streamRoute } from './streams/stream-route.ts'

export type { ServerOptions } from './options.ts'

export interface RunningServer {
  /** Without a path: `http://127.0.0.1:8787`. */
  url: string
  port: number
  /** As POST /debug/publish does, whether or not `debug` is on. */
  publish(user: string, events: readonly PublishedEvent[]): Promise<string[]>
  /** As GET /debug/connections. */
  connections(): Connections
  /** Voids every token that a user has by now, and ends the streams. Who can log in again may. */
  revokeUser(user: string): Promise<void>
  /** A new key signs critical events from now on. */
  rotateKeys(): Promise<{ kid: string }>
  /** Says no to /readyz for `drainDelay`, ends every stream, then frees port and store. */
  close(): Promise<void>
}

const createApp = async ({ dataDir, logger, trustProxy, tls }: Settings): Promise<FastifyInstance> => {
  const options = { forceCloseConnections: true, trustProxy }
  if (!tls) return fastify({ ...options, logger: loggerOptions(logger) })
  const https = { ...(await devCertificate(dataDir)), allowHTTP1: true }
  // Requests and answers of HTTP/2 have what those of HTTP/1.1 have, but other types.
  const http2 = { ...options, http2: true, https } as unknown as FastifyHttpOptions<RawServerDefault>
  return fastify({ ...http2, logger: loggerOptions(logger) })
}

/** Wires the parts, and listens. Rejects, with nothing left open, if it can't listen. */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const settings = withDefaults(options)
  const { dataDir, now, random } = settings
  const origins = createOrigins(settings)
  const cookies = createCookies(origins.isSecure)
  const app = await createApp(settings)
  const onError = (error: unknown) => app.log.error(error)
  const backend = await openBackend(settings, onError)
  const { store, leases, notices, revocations, keys } = backend
  app.addHook('onClose', backend.close)
  let state: 'open' | 'draining' = 'open'

  try {
    const auditLog = openAuditLog({
      dataDir,
      key: settings.auditKey ?? loadSecret(dataDir, 'audit-key', random),
      now,
      onError,
    })
    app.addHook('onClose', auditLog.close)
    const { audience, signingKeyRetention: retention } = settings
    const signing = await patiently(() => openEventSigning({ storage: keys, audience, retention, now }))
    const tokens = createTokens({
      secret: backend.tokenSecret,
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
    const registry = createStreamRegistry({
      leases,
      now,
      random,
      isRevoked: ({ session: id, user, began }) => tokens.isRevokedSession({ id, user, began }),
      onError,
    })
    await securityHeaders(app, { origins, trustedTypes: settings.trustedTypes })
    await app.register(cookie)
    useProblems(app)
    const metrics = createMetrics(app, {
      streams: registry.counters.total,
      isReady: backend.isReady,
      now,
      ofProcess: settings.processMetrics,
    })
    const append = createPublisher({ store, signing, critical: settings.critical })
    const publish: Publish = async (user, events, once) => {
      const ids = await append(user, events, once)
      metrics.published(ids.length)
      return ids
    }
    const pipeline = createPipeline({
      begin: () => story(readChapters(), random(4).toString('hex')),
      publish,
      hasReader: registry.has,
      interval: settings.pipelineInterval,
      onError,
    })

    app.addHook('preClose', async () => {
      pipeline.close()
      await registry.close()
    })

    notices.on((notice) => {
      if (notice.kind === 'revoked') registry.revoke(notice)
      if (notice.kind === 'keys') signing.refresh().catch(onError)
    })

    const revokeUser = async (user: string) => {
      await tokens.revokeUser(user)
      await notices.tell({ kind: 'revoked', user })
    }

    const rotateKeys = async () => {
      const rotated = await signing.rotate()
      await notices.tell({ kind: 'keys' })
      return rotated
    }

    const onOpen = (user: string) => {
      if (settings.pipeline === 'automatic' && pipeline.state(user) === 'stopped')
        pipeline.start(user).catch(onError)
    }

    const limits = await createRateLimits(app, { ...settings, store: backend.rateLimits })
    const audit = createStreamAudit(app, { log: auditLog, now, random })
    const debug = settings.debug
      ? { requests: createRequestLog(app, now), watch: watchStreams(app) }
      : undefined
    origins.guard(app)
    acceptEmptyJson(app)
    if (debug) {
      debugRoutes(app, { store, registry, tokens, rotateKeys, requests: debug.requests, publish, revokeUser })
      debugFaults(app, { ...settings, store, registry, tokens, publish, watch: debug.watch })
    }
    authRoutes(app, {
      tokens,
      cookies,
      origins,
      limits,
      users: settings.users,
      onRevoked: (session) => notices.tell({ kind: 'revoked', session }),
    })
    const feeds = createFeeds(store)
    streamRoute(app, {
      store,
      feeds,
      tokens,
      cookies,
      origins,
      registry,
      audit,
      meter: metrics,
      settings,
      onOpen,
    })
    publishRoute(app, { publish, tokens, maxPayload: settings.maxPayload })
    novelRoute(app, { store, tokens, authorize: settings.authorize })
    pipelineRoute(app, pipeline, tokens)
    jwksRoute(app, signing)
    healthRoutes(app, { check: backend.check, isDraining: () => state === 'draining' })
    if (settings.staticDir) await app.register(fastifyStatic, { root: settings.staticDir })
    await app.listen({ port: settings.port, host: settings.host })

    let closed: Promise<void> | undefined
    const close = async () => {
      state = 'draining'
      // Not in a hook: once it closes, Fastify answers everything with 503, /healthz too.
      await pause(settings.drainDelay)
      await app.close()
    }

    const { port } = app.server.address() as AddressInfo
    return {
      url: `${settings.tls ? 'https' : 'http'}://${settings.host}:${port}`,
      port,
      publish: (user, events) => publish(user, events),
      connections: () => describeConnections(registry),
      revokeUser,
      rotateKeys,
      close: () => (closed ??= close()),
    }
  } catch (error) {
    await app.close()
    throw error
  }
}
