import { randomBytes } from 'node:crypto'
import { demoUsers } from '../demo-users.ts'
import type { Authorize } from './auth/authorize.ts'
import type { AuthorizePublish, AuthorizeTopic } from './auth/authorize-topic.ts'
import { isLoopbackName } from './http/origins.ts'
import type { Limits } from './http/rate-limits.ts'
import type { EventStore } from './store/event-store.ts'
import { ownTopicOf } from './store/topic-names.ts'

/** Everything that `startServer` can be told. Only `dataDir` has no default. */
export interface ServerOptions {
  /**
   * Directory of the event store, the keys and secrets, the revocations and the audit log. Created if missing. With
   * `redisUrl` only the audit log is there: each node has its own.
   */
  dataDir: string
  /** 0 (default): one that is free. A port that is taken rejects `startServer` with `EADDRINUSE`. */
  port?: number
  /** Default `127.0.0.1`. Another one needs `publicOrigin`, since only names of the loopback interface are believed. */
  host?: string
  /**
   * Port of /metrics, /healthz, /readyz and /debug, which the other one then does not have. 0: one that is free. Default
   * `null`: they are on `port`, where a proxy has to keep them inside.
   */
  opsPort?: number | null
  /** Address of `opsPort`, on plain http. Default `127.0.0.1`. */
  opsHost?: string
  /** Names by which operators ask there, beside addresses, names of the loopback interface, and `publicOrigin`'s. */
  opsNames?: readonly string[]
  /** HTTP/2 over TLS, with HTTP/1.1 for who can't, under a certificate made for development. Default false. */
  tls?: boolean
  /**
   * Where nodes share events, places, revocations, rate limits and signing keys: `redis://host:6379`; several of those with
   * commas between them for a cluster; `redis+sentinel://host:26379,.../name` for what Sentinels name. Needs `tokenSecret`.
   * Default `null`: all of it in `dataDir`, for one node.
   */
  redisUrl?: string | null
  /** Begins every key and channel in Redis. Default `tabstream`. */
  redisPrefix?: string
  /**
   * Replicas that have an event, or a revocation, before it is answered for (`WAIT`): what a failover then cannot lose. With
   * fewer in 1 s the answer is 503, and what was asked may be asked again. Default 0.
   */
  redisReplicas?: number
  /** Tokens and shared keys are made with it: the same for all nodes, 32 characters at least. Default: made, in `dataDir`. */
  tokenSecret?: string | null
  /**
   * The `tokenSecret` of before: tokens and shared keys that were made with it are good until they end. To rotate, every
   * node gets both; the former can go after `refreshTokenLife`, or log everybody out. Default `null`.
   */
  formerTokenSecret?: string | null
  /** Milliseconds that /readyz says no before streams are ended, so that a load balancer can notice. Default 0. */
  drainDelay?: number
  /** Directory with a built page, served at `/`. Default: none. */
  staticDir?: string
  /** Enables /debug, which shows and cuts everybody's streams without asking who asks. Default false. */
  debug?: boolean
  /**
   * The origin at which browsers reach this server, through whatever proxy. With https, cookies are `__Host-` and
   * `Secure`. Default `null`: the loopback interface, on plain http, under any name of it.
   */
  publicOrigin?: string | null
  /** Other origins that may call, each in full (`https://app.example`). Default: none. */
  allowedOrigins?: readonly string[]
  /**
   * Whose word to take for a client's address: `X-Forwarded-For` of these proxies (addresses or networks, as in
   * `10.0.0.0/8`), or of everybody. Default false: the socket's.
   */
  trustProxy?: boolean | string
  /**
   * Passwords in the clear, by user, beside the hashes in users.json of `dataDir`. Default: with `debug` the demo's users,
   * otherwise nobody.
   */
  users?: Readonly<Record<string, string>>
  /** Seconds that an access token lives. Default 300. */
  accessTokenLife?: number
  /** Seconds that an SSE token lives, and no stream outlives its token. Default 300. */
  sseTokenLife?: number
  /** Seconds that the log-in of a browser lasts (the refresh cookie). Default 30 days. */
  refreshTokenLife?: number
  /** Seconds that an SSE token still opens streams after its client has the next one. Default 30. */
  sseTokenOverlap?: number
  /** Exchanges for SSE tokens a minute by one user. Default 10; `Infinity` with `debug`, where tokens are free. */
  exchangesPerUser?: number
  /** Requests to /api/v1/auth a minute from one address. Default 300; `Infinity` with `debug`. */
  authPerAddress?: number
  /** Requests a minute by one user that publish, each up to 1,000 events. Default 600; `Infinity` with `debug`. */
  publishesPerUser?: number
  /** Streams a minute that one user opens, or tries to. Default 120; `Infinity` with `debug`. */
  opensPerUser?: number
  /** Requests a minute by one user for the state of the novel. Default 60; `Infinity` with `debug`. */
  statesPerUser?: number
  /**
   * Whether a user may have an event, asked at the moment that it would be sent, replayed or live: what was shared and
   * is no more, is not sent. Default: of the own topic the events that the user owns, of any other topic all.
   */
  authorize?: Authorize
  /**
   * Whether a user may have a topic (R7): `undefined` is "there is none of that name". Asked when a stream asks for it, and
   * every `topicCheckInterval` from then on. Not asked for `user:<id>`, which is that user's alone. Default: nobody has any.
   */
  authorizeTopic?: AuthorizeTopic
  /** Whether a user may publish to a topic that is not the own one. Default: no. */
  authorizePublish?: AuthorizePublish
  /** Milliseconds between two times that a stream asks for the rights on its topics. Default 15000. */
  topicCheckInterval?: number
  /** Requests a second for other topics of one stream (R8). Default 10. */
  topicChangesPerSecond?: number
  /** Event types that are signed; the `data` of these is a compact JWS. Default: none. */
  critical?: readonly string[]
  /** `aud` of signed events: the application that they are for. Default `tabstream-demo`. */
  audience?: string
  /** Seconds that a public key is served after its rotation: as long as events are kept. Default 30 days. */
  signingKeyRetention?: number
  /** Seals the head of the audit log, 16 characters at least. Default `null`: a key that is made, and kept beside the log. */
  auditKey?: string | null
  /** Bytes of a file of the audit log, after which the next one begins. Default 64 MiB. */
  auditFileBytes?: number
  /** Whether requests get 503 once the audit log is missing, moved or cut. Default false: /readyz and a metric tell. */
  auditRequired?: boolean
  /** Names of the page's Trusted Types policies. Default: none, and script URLs may be text. */
  trustedTypes?: readonly string[]
  /** Milliseconds between signs of life on a stream (R2). Default 15000. */
  pingInterval?: number
  /** Milliseconds after which a client that takes nothing is cut. Default 20000. */
  stallTimeout?: number
  /** Milliseconds that a stream waits for a store that fails, before it is cut. Default 30000. */
  storePatience?: number
  /** Reconnections a second that nodes shall bear when all streams of one are dropped: what `retry:` is made of. Default 330. */
  reconnectsPerSecond?: number
  /** Milliseconds that a place outlives its node's last sign (R6), with `redisUrl`. Default 40000. */
  leaseLife?: number
  /** Streams that one user may have open (R6), over all nodes; one more gets 429. Default 2. */
  streamsPerUser?: number
  /** Seconds in the `Retry-After` of a 429. Default 5. */
  limitRetryAfter?: number
  /** Whose events share one order, in Redis: a tenant, of whom there may be many. Default `main`. */
  space?: string
  /** Events kept of each topic. Resuming from before them is a reset (R4). Default 10000. */
  retention?: number
  /** Bytes of UTF-8 kept of what each user publishes, over all topics; the oldest events go. Default 64 MiB. */
  bytesPerUser?: number
  /** Events kept of what each user publishes, over all topics, and not less than `retention`. Default 50000. */
  eventsPerUser?: number
  /** Topics that a user publishes to within a day. Default 1000. */
  topicsPerUser?: number
  /** Milliseconds that the body of a request may take to arrive, and its headers. Default 30000. */
  requestTimeout?: number
  /** Characters of JSON that one published payload may have. Default 65536. */
  maxPayload?: number
  /** When the writing pipeline starts: when told to (default), or whenever a user opens a stream. */
  pipeline?: 'on-demand' | 'automatic'
  /** Milliseconds between two events of the pipeline. Default 600. */
  pipelineInterval?: number
  /** Where events are kept. Closed with the server. Default: the embedded store in `dataDir`, or Redis. */
  store?: EventStore
  /** Log lines, JSON, on standard output or to a stream. Tokens and cookies are never in it. Default false. */
  logger?: boolean | { write(line: string): void }
  /** Measures the process too (memory, event loop): for a server that has it for itself. Default false. */
  processMetrics?: boolean
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
  /** Default `crypto.randomBytes`. */
  random?: (bytes: number) => Buffer
}

const shortestAuditKey = 16

type Optional = 'staticDir' | 'store'

export type Settings = Required<Omit<ServerOptions, Optional>> & Pick<ServerOptions, Optional>

const defaults: Omit<Settings, 'dataDir' | 'users' | keyof Limits> = {
  port: 0,
  host: '127.0.0.1',
  opsPort: null,
  opsHost: '127.0.0.1',
  opsNames: [],
  tls: false,
  redisUrl: null,
  redisPrefix: 'tabstream',
  redisReplicas: 0,
  tokenSecret: null,
  formerTokenSecret: null,
  drainDelay: 0,
  debug: false,
  publicOrigin: null,
  allowedOrigins: [],
  trustProxy: false,
  accessTokenLife: 300,
  sseTokenLife: 300,
  refreshTokenLife: 30 * 24 * 3600,
  sseTokenOverlap: 30,
  authorize: (user, { owner, topic }) => owner === user || topic !== ownTopicOf(user),
  authorizeTopic: () => false,
  authorizePublish: () => false,
  topicCheckInterval: 15_000,
  topicChangesPerSecond: 10,
  critical: [],
  audience: 'tabstream-demo',
  signingKeyRetention: 30 * 24 * 3600,
  auditKey: null,
  auditFileBytes: 64 * 1024 * 1024,
  auditRequired: false,
  trustedTypes: [],
  pingInterval: 15_000,
  stallTimeout: 20_000,
  storePatience: 30_000,
  reconnectsPerSecond: 330,
  leaseLife: 40_000,
  streamsPerUser: 2,
  limitRetryAfter: 5,
  space: 'main',
  retention: 10_000,
  bytesPerUser: 64 * 1024 * 1024,
  eventsPerUser: 50_000,
  topicsPerUser: 1_000,
  requestTimeout: 30_000,
  maxPayload: 64 * 1024,
  pipeline: 'on-demand',
  pipelineInterval: 600,
  logger: false,
  processMetrics: false,
  now: Date.now,
  random: randomBytes,
}

const limits: Limits = {
  authPerAddress: 300,
  exchangesPerUser: 10,
  publishesPerUser: 600,
  opensPerUser: 120,
  statesPerUser: 60,
}

const limitsOfDebug = Object.fromEntries(
  Object.keys(limits).map((name) => [name, Number.POSITIVE_INFINITY]),
) as Record<keyof Limits, number>

/** Settings that would be a hole end the start of the server. */
const assertSafe = ({ debug, host, auditKey }: Settings) => {
  if (debug && !isLoopbackName(host.includes(':') ? `[${host}]` : host))
    throw new TypeError(`--dev gives anybody everybody's tokens, so it does not listen on ${host}`)
  if (auditKey !== null && auditKey.length < shortestAuditKey)
    throw new TypeError(
      `AUDIT_KEY has ${shortestAuditKey} characters at least: openssl rand -hex 32 makes one`,
    )
}

export const withDefaults = (options: ServerOptions): Settings => {
  const settings: Settings = {
    ...defaults,
    users: options.debug ? demoUsers : {},
    // /debug/token gives tokens to anybody, any number of them: a limit would only be in a test's way.
    ...(options.debug ? limitsOfDebug : limits),
    ...options,
  }
  assertSafe(settings)
  return settings
}
