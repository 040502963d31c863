import { createHash } from 'node:crypto'
import { createRedisClients, type RedisCommands, type RedisSubscriber } from './redis-clients.ts'

export interface RedisConnectionOptions {
  /** One server, a cluster, or Sentinels, with user and password where there are any: `parseRedisUrl` (redis-url.ts). */
  url: string
  /** Begins every key and channel, so that several applications can share a Redis. */
  prefix: string
  /** Replicas that have each event and revocation before it is answered for. 0: none are asked. */
  replicas: number
  /** Of each connection that breaks, and each that can't be made: at most one in ten seconds. */
  onError: (error: unknown) => void
}

export interface RedisConnection {
  commands: RedisCommands
  subscriber: RedisSubscriber
  /** Connections stand again, or elsewhere: what was published meanwhile was not heard. */
  onRestored(listener: () => void): () => void
  /** What fails because Redis is away, full or failing over becomes a 503 (http/problem.ts). */
  attempt<Answer>(command: Promise<Answer>): Promise<Answer>
  /**
   * As `attempt`, of a command that writes at `key`, and that no failover may take back: 503 where too few replicas have it
   * in time. It is stored by then, and may be asked for again.
   */
  keep<Answer>(key: string, command: Promise<Answer>): Promise<Answer>
  /** Keys of one user, or of one space, share a hash tag, which keeps them in one slot of a cluster. */
  key(tag: string, name: string): string
  name(name: string): string
  /** Atomic at the server. Sent by its hash; as a whole only to a server that doesn't know it. */
  script(lua: string): (keys: string[], args: (string | number)[]) => Promise<unknown>
  /** Whether the connections stand. */
  isReady(): boolean
  close(): Promise<void>
}

/** Milliseconds that the start of a node waits for Redis. */
const patience = 10_000

/** Answers that say "not now": the server is starting, full, failing over, or busy. */
const passing =
  /^(LOADING|OOM|READONLY|MASTERDOWN|BUSY|MISCONF|TRYAGAIN|CLUSTERDOWN|NOREPLICAS|UNBLOCKED|MOVED|ASK)\b/

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

/** Milliseconds for a command. While servers fail over, one may wait for a server that never comes. */
const COMMAND_LIMIT = 5_000
/** Milliseconds in which replicas are to have an event: a replica that lags longer is as good as away. */
const REPLICATION_LIMIT = 1_000

const inTime = <Answer>(command: Promise<Answer>): Promise<Answer> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`after ${COMMAND_LIMIT} ms`)), COMMAND_LIMIT)
  })
  return Promise.race([command, late]).finally(() => clearTimeout(timer))
}

/**
 * What the server knows of its Redis, be it one, a cluster, or what Sentinels name. While Redis is away commands fail, and do
 * not pile up: the caller has a client of its own that can wait.
 */
export const connectRedis = async ({
  url,
  prefix,
  replicas,
  onError,
}: RedisConnectionOptions): Promise<RedisConnection> => {
  let started = false
  let reportedAt = Number.NEGATIVE_INFINITY
  const startedAt = performance.now()

  const clients = createRedisClients({
    url,
    onError(error) {
      if (performance.now() - reportedAt < 10_000) return
      reportedAt = performance.now()
      onError(error)
    },
    reconnectStrategy: (retries, cause) =>
      !started && performance.now() - startedAt > patience ? cause : spread(retries),
  })
  const { commands, subscriber, onRestored, isReady, destroy } = clients

  try {
    await clients.connect()
  } catch (error) {
    destroy()
    throw new Error('REDIS_URL names a server that does not answer', { cause: error })
  }
  started = true

  const attempt = async <Answer>(command: Promise<Answer>): Promise<Answer> => {
    try {
      return await inTime(command)
    } catch (error) {
      throw isPassing(error) ? unavailable(error) : error
    }
  }

  return {
    commands,
    subscriber,
    onRestored,
    attempt,

    async keep(key, command) {
      const answer = await attempt(command)
      if (replicas === 0) return answer
      const having = await attempt(clients.replicated(key, replicas, REPLICATION_LIMIT))
      if (having < replicas) throw unavailable(`${having} of ${replicas} replicas have it`)
      return answer
    },

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

    isReady,

    async close() {
      // What is under way is waited for, but not a server that has gone.
      await Promise.race([
        clients.close().catch(() => {}),
        new Promise((done) => setTimeout(done, 1_000).unref()),
      ])
      destroy()
    },
  }
}
