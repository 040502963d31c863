import { createClient, createCluster, createSentinel } from 'redis'
import { loginOf, parseRedisUrl, type RedisTarget } from './redis-url.ts'

/** The commands that the server uses; those of several keys are scripts, whose keys share a hash tag. */
export interface RedisCommands {
  get(key: string): Promise<string | null>
  set(
    key: string,
    value: string,
    options?: { expiration: { type: 'PX' | 'PXAT'; value: number }; condition?: 'NX' },
  ): Promise<string | null>
  hGet(key: string, field: string): Promise<string | null | undefined>
  hDel(key: string, field: string): Promise<number>
  publish(channel: string, message: string): Promise<number>
  eval(lua: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

export interface RedisSubscriber {
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

/**
 * The connections to one Redis, to a cluster, or to what Sentinels name: for commands, and one that listens, which Redis may
 * cut for being slow without harm to the others. While a server is away its commands fail, and do not pile up.
 */
export interface RedisClients {
  commands: RedisCommands
  subscriber: RedisSubscriber
  /** Connections stand again, or elsewhere: what was published meanwhile was not heard. */
  onRestored(listener: () => void): () => void
  /** How many replicas have what was last written at `key`, after `milliseconds` at most. */
  replicated(key: string, replicas: number, milliseconds: number): Promise<number>
  connect(): Promise<unknown>
  isReady(): boolean
  /** What is under way is waited for. */
  close(): Promise<unknown>
  destroy(): void
}

export interface RedisClientsOptions {
  /** As `parseRedisUrl` takes it. */
  url: string
  onError(error: unknown): void
  /** ms until the next attempt to connect, or why there is none. */
  reconnectStrategy(retries: number, cause: Error): number | Error
}

type Reconnect = RedisClientsOptions['reconnectStrategy']

/** ms between two looks at where the servers are, once one of them is away. A failover takes seconds. */
const REFRESH = 500

const clientOptions = (reconnectStrategy: Reconnect, tls: boolean) => ({
  disableOfflineQueue: true,
  // With the ping, a Redis that hangs is told from one that has nothing to say.
  pingInterval: 4_000,
  socket: {
    connectTimeout: 5_000,
    socketTimeout: 10_000,
    reconnectStrategy,
    ...(tls ? { tls: true as const } : {}),
  },
})

const toWait = (replicas: number, milliseconds: number) => ['WAIT', `${replicas}`, `${milliseconds}`]

const ofServer = (url: string, { onError, reconnectStrategy }: RedisClientsOptions): RedisClients => {
  const commands = createClient({ url, ...clientOptions(reconnectStrategy, url.startsWith('rediss')) })
  const subscriber = commands.duplicate({ disableOfflineQueue: false })
  const both = [commands, subscriber]
  for (const client of both) client.on('error', onError)
  return {
    commands,
    subscriber,
    onRestored(listener) {
      subscriber.on('ready', listener)
      return () => void subscriber.off('ready', listener)
    },
    replicated: async (_, replicas, milliseconds) =>
      Number(await commands.sendCommand(toWait(replicas, milliseconds))),
    async connect() {
      await commands.connect()
      await subscriber.connect()
    },
    isReady: () => both.every((client) => client.isReady),
    close: () => Promise.allSettled(both.map((client) => client.isReady && client.close())),
    destroy() {
      for (const client of both) if (client.isOpen) client.destroy()
    },
  }
}

const ofCluster = (urls: string[], { onError, reconnectStrategy }: RedisClientsOptions): RedisClients => {
  // A cluster has one set of credentials, and its nodes are told of without.
  const { tls, ...login } = loginOf(new URL(urls[0]!))
  const cluster = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    defaults: { ...clientOptions(reconnectStrategy, tls), ...login },
    topologyRefreshOnReconnectionAttemptStrategy: REFRESH,
  })
  cluster.on('error', onError)
  cluster.on('node-error', onError)
  return {
    commands: cluster,
    // A message reaches each node of a cluster, and one of them is listened to.
    subscriber: cluster,
    onRestored(listener) {
      cluster.on('node-ready', listener)
      return () => void cluster.off('node-ready', listener)
    },
    replicated: async (key, replicas, milliseconds) =>
      Number(await cluster.sendCommand(key, false, toWait(replicas, milliseconds))),
    connect: () => cluster.connect(),
    isReady: () => cluster.isReady,
    close: () => cluster.close(),
    destroy() {
      if (cluster.isOpen) cluster.destroy()
    },
  }
}

const ofSentinel = (
  { name, sentinels, login }: Extract<RedisTarget, { is: 'sentinel' }>,
  { onError, reconnectStrategy }: RedisClientsOptions,
): RedisClients => {
  const { tls, ...credentials } = login
  const sentinel = createSentinel({
    name,
    sentinelRootNodes: sentinels,
    nodeClientOptions: { ...clientOptions(reconnectStrategy, tls), ...credentials },
    // All commands share one connection, as they do to a server, rather than wait for their turn with it.
    reserveClient: true,
    passthroughClientErrorEvents: true,
    scanInterval: 5_000,
  })
  sentinel.on('error', onError)
  return {
    commands: sentinel,
    subscriber: sentinel,
    onRestored(listener) {
      const events = ['ready', 'topology-change'] as const
      for (const event of events) sentinel.on(event, listener)
      return () => {
        for (const event of events) sentinel.off(event, listener)
      }
    },
    replicated: async (_, replicas, milliseconds) =>
      Number(await sentinel.sendCommand(false, toWait(replicas, milliseconds))),
    connect: () => sentinel.connect(),
    isReady: () => sentinel.isReady,
    close: () => sentinel.close(),
    destroy: () => void sentinel.destroy(),
  }
}

export const createRedisClients = (options: RedisClientsOptions): RedisClients => {
  const target = parseRedisUrl(options.url)
  switch (target.is) {
    case 'server':
      return ofServer(target.url, options)
    case 'cluster':
      return ofCluster(target.urls, options)
    case 'sentinel':
      return ofSentinel(target, options)
  }
}
