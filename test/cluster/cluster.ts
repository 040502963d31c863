import { randomBytes } from 'node:crypto'
import type { ServerOptions } from '../../demo/server/app.ts'
import { startRedis } from '../redis.ts'
import { startRedisCluster } from '../redis-sets.ts'
import { startNode } from './nodes.ts'
import { startProxy } from './proxies.ts'

/** Redis, or a Redis Cluster, three nodes, and a proxy of each kind in front of them. */
export const startCluster = async (kind: 'redis' | 'redis-cluster', options: Partial<ServerOptions> = {}) => {
  const redis = kind === 'redis' ? await startRedis() : await startRedisCluster()
  const shared = {
    redisUrl: redis.url,
    redisReplicas: kind === 'redis' ? 0 : 1,
    tokenSecret: randomBytes(32).toString('hex'),
    debug: true,
    // As in production, but for the sign of life: what a lost message costs is one of these.
    pingInterval: 5_000,
    // A token for a whole run.
    sseTokenLife: 3_600,
    accessTokenLife: 3_600,
    processMetrics: true,
    ...options,
  }
  const nodes = await Promise.all([startNode(shared), startNode(shared), startNode(shared)])
  const ports = {
    nodes: nodes.map(({ port }) => port),
    ops: nodes.map(({ opsPort }) => opsPort),
  }
  const proxies = await Promise.all([
    startProxy('nginx', ports),
    startProxy('caddy', ports),
    startProxy('haproxy', ports),
  ])

  const post = async (url: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    })

  return {
    redis,
    nodes,
    proxies,
    post,
    nodeOptions: shared,
    /** Every way in: through each proxy, and to each node. */
    entries: () => [...proxies, ...nodes.filter((node) => node.isUp())].map(({ url }) => url),
    tokenFor: async (user: string, kind: 'access' | 'sse'): Promise<string> => {
      const response = await post(`${nodes[0]!.opsUrl}/debug/token`, { user, kind })
      return ((await response.json()) as { token: string }).token
    },
    metric: async (node: number, name: string): Promise<number> => {
      const text = await (await fetch(`${nodes[node]!.opsUrl}/metrics`)).text()
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    },
    /** Ids of a user's events, oldest first. */
    ids: async (user: string): Promise<string[]> => {
      const response = await fetch(`${nodes[0]!.opsUrl}/debug/events?user=${user}`)
      return ((await response.json()) as { ids: string[] }).ids
    },
    async close(): Promise<void> {
      await Promise.all([...proxies, ...nodes].map((part) => part.close()))
      await redis.close()
    },
  }
}

export type Cluster = Awaited<ReturnType<typeof startCluster>>
