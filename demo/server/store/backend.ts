import type { FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { EventStore, Retention } from './event-store.ts'
import type { Leases } from './leases.ts'
import { openLmdbStore } from './lmdb-event-store.ts'
import { createLocalLeases } from './local-leases.ts'
import { createLocalNotices, createRedisNotices, type Notices } from './notices.ts'
import { connectRedis, patiently } from './redis-connection.ts'
import { createRedisStore } from './redis-event-store.ts'
import { createRedisLeases } from './redis-leases.ts'
import { redisRateLimitStore } from './redis-rate-limits.ts'
import { createRedisRevocations } from './redis-revocations.ts'
import { redisKeys } from './redis-signing-keys.ts'
import { openRevocations, type Revocations } from './revocations.ts'
import { loadSecret } from './secret-file.ts'
import { keyFile } from './signing-key-file.ts'
import type { SigningKeyStorage } from './signing-key-storage.ts'

/** All that a server keeps: on one machine's disk and in its memory, or in Redis, where nodes share it. */
export interface Backend {
  store: EventStore
  leases: Leases
  notices: Notices
  revocations: Revocations
  keys: SigningKeyStorage
  /** Undefined: the plugin's own, in this process. */
  rateLimits: FastifyRateLimitStoreCtor | undefined
  /** The first one signs and seals; what former ones have is still read. */
  tokenSecrets: readonly Uint8Array[]
  isReady(): boolean
  /** Writes. Rejects where it doesn't answer, or takes no more. */
  check(): Promise<unknown>
  close(): Promise<void>
}

/** As ServerOptions (options.ts) has them. */
export interface BackendOptions {
  dataDir: string
  redisUrl: string | null
  redisPrefix: string
  redisReplicas: number
  tokenSecret: string | null
  formerTokenSecret: string | null
  store?: EventStore
  space: string
  retention: number
  bytesPerUser: number
  eventsPerUser: number
  topicsPerUser: number
  streamsPerUser: number
  leaseLife: number
  now: () => number
  random: (bytes: number) => Buffer
}

/** Bytes of HS256's key (RFC 7518, 3.2), in characters. */
const secretLength = 32

const toSecret = (name: string, secret: string): Uint8Array => {
  if (secret.length < secretLength)
    throw new Error(`${name} is shorter than ${secretLength} characters: openssl rand -hex 32 makes one`)
  return Buffer.from(secret)
}

const givenSecrets = ({ tokenSecret, formerTokenSecret }: BackendOptions) => ({
  current: tokenSecret === null ? undefined : toSecret('TOKEN_SECRET', tokenSecret),
  former: formerTokenSecret === null ? [] : [toSecret('TOKEN_SECRET_FORMER', formerTokenSecret)],
})

const retentionOf = (options: BackendOptions): Retention => ({
  events: options.retention,
  bytesPerAccount: options.bytesPerUser,
  eventsPerAccount: Math.max(options.eventsPerUser, options.retention),
  topicsPerAccount: options.topicsPerUser,
})

const openLocal = (settings: BackendOptions): Backend => {
  const { dataDir, random, now } = settings
  const store = settings.store ?? openLmdbStore({ dataDir, retention: retentionOf(settings), random, now })
  const revocations = openRevocations(dataDir, now)
  const { current, former } = givenSecrets(settings)
  return {
    store,
    leases: createLocalLeases(settings.streamsPerUser),
    notices: createLocalNotices(),
    revocations,
    keys: keyFile(dataDir),
    rateLimits: undefined,
    tokenSecrets: [current ?? Buffer.from(loadSecret(dataDir, 'token-secret', random)), ...former],
    isReady: () => true,
    check: store.check,
    async close() {
      await Promise.all([store.close(), revocations.close()])
    },
  }
}

const openShared = async (
  settings: BackendOptions,
  url: string,
  onError: (error: unknown) => void,
): Promise<Backend> => {
  const { space, random, now, streamsPerUser } = settings
  const retention = retentionOf(settings)
  const { current, former } = givenSecrets(settings)
  // A secret that each node makes for itself would be a token that only one node knows.
  if (!current)
    throw new Error('Nodes that share a Redis share a TOKEN_SECRET: openssl rand -hex 32 makes one')
  const { redisPrefix: prefix, redisReplicas: replicas } = settings
  const redis = await connectRedis({ url, prefix, replicas, onError })
  const notices = await patiently(() => createRedisNotices(redis, onError))
  const store = settings.store ?? createRedisStore({ redis, space, retention, random, now, onError })
  return {
    store,
    leases: createRedisLeases({ redis, notices, streamsPerUser, life: settings.leaseLife }),
    notices,
    revocations: createRedisRevocations(redis),
    keys: redisKeys(redis, [current, ...former]),
    rateLimits: redisRateLimitStore(redis),
    tokenSecrets: [current, ...former],
    isReady: redis.isReady,
    check: store.check,
    async close() {
      await store.close()
      await redis.close()
    },
  }
}

export const openBackend = async (
  settings: BackendOptions,
  onError: (error: unknown) => void,
): Promise<Backend> =>
  settings.redisUrl === null ? openLocal(settings) : openShared(settings, settings.redisUrl, onError)
