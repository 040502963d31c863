import { createHash } from 'node:crypto'
import { createClient, type RedisClientType } from 'redis'

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user and password where there are any. */
  url: string
  /** Begins every key and channel, so that several applications can share a Redis. */
  prefix: string
  /** Of each connection that breaks, and each that can't be made: at most one in ten seconds. */
  onError: (error: unknown) => void
}

export interface RedisConnection {
  commands: RedisClientType
  /** Only listens. Redis may cut it for being slow without harm to the other. */
  subscriber: RedisClientType
  /** What fails because Redis is away, full or failing over becomes a 503 (http/problem.ts). */
  attempt<Answer>(command: Promise<Answer>): Promise<Answer>
  /** Keys of one user, or of one space, share a hash tag, which keeps them in one slot of a cluster. */
  key(tag: string, name: string): string
  name(name: string): string
  /** Atomic at the server. Sent by its hash; as a whole only to a server that doesn't know it. */
  script(lua: string): (keys: string[], args: (string | number)[]) => Promise<unknown>
  /** Whether both connections stand. */
  isReady(): boolean
  close(): Promise<void>
}

/** Milliseconds that the start of a node waits for Redis. */
const patience = 10_000

/** Answers that say "not now": the server is starting, full, failing over, or busy. */
const passing = /^(LOADING|OOM|READONLY|MASTERDOWN|BUSY|MISCONF|TRYAGAIN|CLUSTERDOWN|NOREPLICAS)\b/

/** 503 at the HTTP side (problem.ts): whoever asked shall ask again. */
const unavailable = (cause: unknown) =>
  Object.assign(new Error('Redis does not answer', { cause }), { statusCode: 503 })

const isPassing = (error: unknown): boolean =>
  !(error instanceof Error) || error.constructor.name !== 'SimpleError' || passing.test(error.message)

const spread = (retries: number) => Math.min(1_000, 50 * 2 ** retries) * (0.5 + Math.random() / 2)

/** At a node's start: Redis may be busy with a start of its own. */
export const patiently = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isAway = (error as { statusCode?: number }).statusCode === 503
      if (!isAway || performance.now() - startedAt > patience) throw error
      await new Promise((done) => setTimeout(done, spread(3)))
    }
  }
}

/**
 * Two connections to Redis: one for commands and one that listens, which Redis may cut for being slow without
 * harm to the other. While Redis is away commands fail at once instead of piling up: the caller has a client of
 * its own that can wait.
 */
export const connectRedis = async ({
  url,
  prefix,
  onError,
}: RedisConnectionOptions): Promise<RedisConnection> => {
  let started = false
  let reportedAt = Number.NEGATIVE_INFINITY
  const startedAt = performance.now()

  const report = (error: unknown) => {
    if (performance.now() - reportedAt < 10_000) return
    reportedAt = performance.now()
    onError(error)
  }

  const commands: RedisClientType = createClient({
    url,
    disableOfflineQueue: true,
    // With the ping, a Redis that hangs is told from one that has nothing to say.
    pingInterval: 4_000,
    socket: {
      connectTimeout: 5_000,
      socketTimeout: 10_000,
      reconnectStrategy: (retries, cause) =>
        !started && performance.now() - startedAt > patience ? cause : spread(retries),
    },
  })
  const subscriber: RedisClientType = commands.duplicate({ disableOfflineQueue: false })
  for (const client of [commands, subscriber]) client.on('error', report)

  const destroy = () => {
    for (const client of [commands, subscriber]) if (client.isOpen) client.destroy()
  }

  try {
    await commands.connect()
    await subscriber.connect()
  } catch (error) {
    destroy()
    throw new Error('REDIS_URL names a server that does not answer', { cause: error })
  }
  started = true

  const attempt = async <Answer>(command: Promise<Answer>): Promise<Answer> => {
    try {
      return await command
    } catch (error) {
      throw isPassing(error) ? unavailable(error) : error
    }
  }

  return {
    commands,
    subscriber,
    attempt,

    key: (tag, name) => `${prefix}:{${encodeURIComponent(tag)}}:${name}`,
    name: (name) => `${prefix}:${name}`,

    script(lua) {
      const sha = createHash('sha1').update(lua).digest('hex')
      return (keys, args) => {
        const options = { keys, arguments: args.map(String) }
        const sent = commands
          .evalSha(sha, options)
          .catch((error: Error) =>
            error.message.startsWith('NOSCRIPT') ? commands.eval(lua, options) : Promise.reject(error),
          )
        return attempt(sent)
      }
    },

    isReady: () => commands.isReady && subscriber.isReady,

    async close() {
      // What is under way is waited for, but not a server that has gone.
      await Promise.race([
        Promise.allSettled([commands, subscriber].map((client) => client.isReady && client.close())),
        new Promise((done) => setTimeout(done, 1_000).unref()),
      ])
      destroy()
    },
  }
}
