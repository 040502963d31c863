import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { type AuditLog, openAuditLog } from './audit/audit-log.ts'
import { createRefusals, type Refusals } from './audit/refusals.ts'
import { requireAudit } from './audit/require-audit.ts'
import { type AuthAudit, createAuthAudit } from './auth/auth-audit.ts'
import { authRoutes } from './auth/auth-routes.ts'
import { createJudgeTopics } from './auth/authorize-topic.ts'
import { createProofs, type Proofs } from './auth/proofs.ts'
import { createRequireAccess } from './auth/require-access.ts'
import { createTokens, type Tokens } from './auth/tokens.ts'
import { createUsers } from './auth/users.ts'
import { createTurns, type TakeTurn } from './base/turns.ts'
import { debugFaults } from './debug/debug-faults.ts'
import { type Connections, debugRoutes, describeConnections } from './debug/debug-routes.ts'
import { createRequestLog } from './debug/request-log.ts'
import { watchStreams } from './debug/watched-sockets.ts'
import { type Cookies, createCookies } from './http/cookies.ts'
import { createApp } from './http/create-app.ts'
import { guardOperations } from './http/known-hosts.ts'
import { createOrigins, type Origins } from './http/origins.ts'
import { acceptEmptyJson } from './http/problem.ts'
import { createRateLimits, type RateLimits } from './http/rate-limits.ts'
import { limitBodies } from './http/request-bodies.ts'
import { securityHeaders } from './http/security-headers.ts'
import { novelRoute } from './novel/novel-route.ts'
import { createPipeline } from './novel/pipeline.ts'
import { pipelineRoute } from './novel/pipeline-route.ts'
import { readChapters, story } from './novel/story.ts'
import { devCertificate } from './ops/dev-certificate.ts'
import { healthRoutes } from './ops/health-routes.ts'
import { loggerOptions } from './ops/logging.ts'
import { createMetrics, type Metrics } from './ops/metrics.ts'
import { type ServerOptions, type Settings, withDefaults } from './options.ts'
import { type EventSigning, openEventSigning } from './publish/event-signing.ts'
import { jwksRoute } from './publish/jwks-route.ts'
import { publishRoute } from './publish/publish-route.ts'
import { createPublisher, type Publish } from './publish/publisher.ts'
import { type Backend, openBackend } from './store/backend.ts'
import { patiently } from './store/redis-connection.ts'
import { loadSecret } from './store/secret-file.ts'
import { createAdmitStream } from './streams/admit-stream.ts'
import { createFeeds } from './streams/feeds.ts'
import { createStreamAudit } from './streams/stream-audit.ts'
import { createStreamRegistry, type StreamRegistry } from './streams/stream-registry.ts'
import { streamRoute } from './streams/stream-route.ts'
import { topicsRoute } from './streams/topics-route.ts'

export type { ServerOptions } from './options.ts'

export interface RunningServer {
  /** Without a path: `http://127.0.0.1:8787`. */
  url: string
  port: number
  /** Where /metrics, /healthz, /readyz and /debug are; `url` without `opsPort`. */
  opsUrl: string
  /** As POST /debug/publish does, whether or not `debug` is on. `name`: as an Idempotency-Key. */
  publish: Publish
  /** As GET /debug/connections. */
  connections(): Connections
  /** Voids every token that a user has by now, and ends the streams. Who can log in again may. */
  revokeUser(user: string): Promise<void>
  /** Ends a topic in every stream of the user, on all nodes, at once. `authorizeTopic` has to say no by then. */
  revokeTopic(user: string, topic: string): Promise<void>
  /** A new key signs critical events from now on. */
  rotateKeys(): Promise<{ kid: string }>
  /** Says no to /readyz for `drainDelay`, ends every stream, then frees port and store. */
  close(): Promise<void>
}

/** What is wired without a route: everything here could serve another HTTP server. */
interface Parts {
  settings: Settings
  backend: Backend
  origins: Origins
  cookies: Cookies
  auditLog: AuditLog
  refusals: Refusals
  authAudit: AuthAudit
  tokens: Tokens
  proofs: Proofs
  signing: EventSigning
  registry: StreamRegistry
  metrics: Metrics
  publish: Publish
  revokeUser(user: string): Promise<void>
  revokeTopic(user: string, topic: string): Promise<void>
  rotateKeys(): Promise<{ kid: string }>
  onError(error: unknown): void
}

/** What stands in front of routes. */
interface Guards {
  limits: RateLimits
  requireAccess: onRequestAsyncHookHandler
  takeTurn: TakeTurn
}

/** Registers its clean-up with `app` part by part: what is open when a later one fails is closed. */
const openParts = async (app: FastifyInstance, settings: Settings): Promise<Parts> => {
  const { dataDir, now, random, audience, signingKeyRetention: retention } = settings
  const onError = (error: unknown) => app.log.error(error)
  const origins = createOrigins(settings)
  const backend = await openBackend(settings, onError)
  app.addHook('onClose', backend.close)
  const { store, leases, notices, revocations, keys } = backend
  const auditLog = openAuditLog({
    dataDir,
    key: settings.auditKey ?? loadSecret(dataDir, 'audit-key', random),
    fileBytes: settings.auditFileBytes,
    now,
    onError,
  })
  app.addHook('onClose', auditLog.close)
  const refusals = createRefusals(auditLog)
  app.addHook('preClose', async () => refusals.close())
  const authAudit = createAuthAudit({ log: auditLog, refusals })
  const signing = await patiently(() => openEventSigning({ storage: keys, audience, retention, now }))
  const tokens = createTokens({
    secrets: backend.tokenSecrets,
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
  app.addHook('preClose', registry.close)
  const metrics = createMetrics({
    streams: registry.counters.total,
    topics: registry.topics,
    isReady: backend.isReady,
    isAuditIntact: () => auditLog.trouble() === undefined,
    now,
    ofProcess: settings.processMetrics,
  })
  const append = createPublisher({ store, signing, critical: settings.critical })

  notices.on((notice) => {
    if (notice.kind === 'revoked') registry.revoke(notice)
    if (notice.kind === 'topic-revoked') registry.revokeTopic(notice.user, notice.topic)
    if (notice.kind === 'keys') signing.refresh().catch(onError)
  })

  return {
    settings,
    backend,
    origins,
    cookies: createCookies(origins.isSecure),
    auditLog,
    refusals,
    authAudit,
    tokens,
    proofs: createProofs({ revocations, now }),
    signing,
    registry,
    metrics,
    async publish(user, events, name) {
      const ids = await append(user, events, name)
      metrics.published(ids.length)
      return ids
    },
    async revokeUser(user) {
      await tokens.revokeUser(user)
      authAudit.userRevoked(user)
      await notices.tell({ kind: 'revoked', user })
    },
    revokeTopic: (user, topic) => notices.tell({ kind: 'topic-revoked', user, topic }),
    async rotateKeys() {
      const rotated = await signing.rotate()
      await notices.tell({ kind: 'keys' })
      return rotated
    },
    onError,
  }
}

/** The demo's own: the writing of a novel, and what has been written. */
const novelRoutes = (app: FastifyInstance, parts: Parts, guards: Guards) => {
  const { settings, backend, registry, publish, onError } = parts
  const { requireAccess, limits, takeTurn } = guards
  const pipeline = createPipeline({
    begin: () => story(readChapters(), settings.random(4).toString('hex')),
    publish,
    hasReader: registry.has,
    interval: settings.pipelineInterval,
    onError,
  })
  app.addHook('preClose', async () => pipeline.close())
  novelRoute(app, {
    store: backend.store,
    requireAccess,
    isExceeded: limits.statesPerUser,
    takeTurn,
    authorize: settings.authorize,
  })
  pipelineRoute(app, { pipeline, requireAccess, isExceeded: limits.publishesPerUser })
  return pipeline
}

const createGuards = async (app: FastifyInstance, parts: Parts): Promise<Guards> => {
  const { settings, backend, origins, tokens, auditLog } = parts
  const limits = await createRateLimits(app, {
    limits: settings,
    topicChanges: settings.topicChangesPerSecond,
    store: backend.rateLimits,
  })
  origins.guard(app)
  if (settings.auditRequired) requireAudit(app, auditLog)
  limitBodies(app, { bodyTimeout: settings.requestTimeout })
  acceptEmptyJson(app)
  return { limits, requireAccess: createRequireAccess(app, tokens), takeTurn: createTurns() }
}

/** What users and their pages reach. */
const publicRoutes = (app: FastifyInstance, parts: Parts, guards: Guards) => {
  const { settings, backend, origins, cookies, auditLog, refusals, authAudit } = parts
  const { tokens, proofs, registry, metrics, publish, onError } = parts
  const { limits, requireAccess, takeTurn } = guards
  const { store, notices } = backend
  const { now, random, maxPayload } = settings
  metrics.watch(app)
  const pipeline = novelRoutes(app, parts, guards)
  authRoutes(app, {
    tokens,
    cookies,
    origins,
    limits,
    proofs,
    users: createUsers({ dataDir: settings.dataDir, plain: settings.users }),
    audit: authAudit,
    onRevoked: (session) => notices.tell({ kind: 'revoked', session }),
  })
  const admission = { tokens, proofs, cookies, origins }
  streamRoute(app, {
    admit: createAdmitStream({ ...admission, isExceeded: limits.opensPerUser }),
    judge: createJudgeTopics(settings.authorizeTopic, onError),
    store,
    feeds: createFeeds(store),
    registry,
    audit: createStreamAudit(app, { log: auditLog, refusals, now, random }),
    meter: metrics,
    settings,
    onOpen(user) {
      if (settings.pipeline === 'automatic' && pipeline.state(user) === 'stopped')
        pipeline.start(user).catch(onError)
    },
  })
  topicsRoute(app, {
    admit: createAdmitStream({ ...admission, isExceeded: limits.topicChanges }),
    registry,
  })
  publishRoute(app, {
    publish,
    requireAccess,
    isExceeded: limits.publishesPerUser,
    takeTurn,
    maxPayload,
    authorize: settings.authorizePublish,
  })
  jwksRoute(app, parts.signing)
}

interface Operations {
  /** Serves users. */
  app: FastifyInstance
  /** Serves operators: another instance, or the same one. */
  ops: FastifyInstance
  isDraining: () => boolean
}

/** What operators reach, and with `debug` whoever develops. */
const operationRoutes = (parts: Parts, { app, ops, isDraining }: Operations) => {
  const { settings, backend, auditLog, metrics, registry, tokens, publish, revokeUser, rotateKeys } = parts
  const { store } = backend
  const ownName = settings.publicOrigin === null ? [] : [new URL(settings.publicOrigin).hostname]
  guardOperations(ops, { names: [...ownName, ...settings.opsNames] })
  metrics.route(ops)
  healthRoutes(ops, { check: backend.check, auditTrouble: auditLog.trouble, isDraining })
  if (!settings.debug) return
  const requests = createRequestLog(app, settings.now)
  const watch = watchStreams(app)
  debugRoutes(ops, { store, registry, tokens, rotateKeys, requests, publish, revokeUser })
  debugFaults(ops, { ...settings, app, store, registry, tokens, publish, watch })
}

const urlOf = (app: FastifyInstance, { host, tls }: { host: string; tls: boolean }) => {
  const { port } = app.server.address() as AddressInfo
  return { port, url: `${tls ? 'https' : 'http'}://${host}:${port}` }
}

/** Wires the parts, and listens. Rejects, with nothing left open, if it can't listen. */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const settings = withDefaults(options)
  const { dataDir, tls, requestTimeout, trustProxy, opsPort } = settings
  const logger = loggerOptions(settings.logger)
  const certificate = tls ? await devCertificate(dataDir) : undefined
  const app = await createApp({ trustProxy, requestTimeout, certificate, logger })
  let state: 'open' | 'draining' = 'open'
  try {
    const parts = await openParts(app, settings)
    await securityHeaders(app, { origins: parts.origins, trustedTypes: settings.trustedTypes })
    const ops =
      opsPort === null
        ? app
        : await createApp({ trustProxy: false, requestTimeout, certificate: undefined, logger })
    if (ops !== app) {
      app.addHook('onClose', () => ops.close())
      acceptEmptyJson(ops)
    }
    const guards = await createGuards(app, parts)
    operationRoutes(parts, { app, ops, isDraining: () => state === 'draining' })
    publicRoutes(app, parts, guards)
    if (settings.staticDir) await app.register(fastifyStatic, { root: settings.staticDir })
    if (opsPort !== null) await ops.listen({ port: opsPort, host: settings.opsHost })
    await app.listen({ port: settings.port, host: settings.host })

    let closed: Promise<void> | undefined
    const close = async () => {
      state = 'draining'
      // Not in a hook: once it closes, Fastify answers everything with 503, /healthz too.
      await pause(settings.drainDelay)
      await app.close()
    }

    const { publish, registry, revokeUser, revokeTopic, rotateKeys } = parts
    return {
      ...urlOf(app, settings),
      opsUrl: urlOf(ops, ops === app ? settings : { host: settings.opsHost, tls: false }).url,
      publish,
      connections: () => describeConnections(registry),
      revokeUser,
      revokeTopic,
      rotateKeys,
      close: () => (closed ??= close()),
    }
  } catch (error) {
    await app.close()
    throw error
  }
}
