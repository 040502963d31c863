import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectRedis } from '../../../demo/server/store/redis-connection.ts'
import { createRedisStore } from '../../../demo/server/store/redis-event-store.ts'
import { createRedisRevocations } from '../../../demo/server/store/redis-revocations.ts'
import { startRedisCluster, startRedisSentinels } from '../../redis-sets.ts'
import { until } from '../../until.ts'

const kinds = {
  'a Redis Cluster': startRedisCluster,
  'Redis with Sentinels': startRedisSentinels,
}

const retention = {
  events: 100_000,
  bytesPerAccount: Number.POSITIVE_INFINITY,
  eventsPerAccount: 100_000,
  topicsPerAccount: 1_000,
}
const wide = { events: 100_000, characters: 1e9 }

describe.each(Object.entries(kinds))('N17 %s', (_, start) => {
  let servers: Awaited<ReturnType<typeof startRedisCluster | typeof startRedisSentinels>>
  beforeAll(async () => {
    servers = await start()
  }, 120_000)
  afterAll(() => servers?.close())

  const open = async (prefix: string) => {
    const redis = await connectRedis({ url: servers.url, prefix, replicas: 1, onError: () => {} })
    const store = createRedisStore({
      redis,
      space: 'main',
      retention,
      random: randomBytes,
      now: Date.now,
      onError: () => {},
    })
    onTestFinished(async () => {
      await store.close()
      await redis.close()
    })
    return { redis, store }
  }

  test('loses nothing that was answered for when its master is killed, and wakes who waits', async () => {
    const { redis, store } = await open('kept')
    let woken = 0
    onTestFinished(store.subscribe(['room'], () => woken++))
    const beginning = await store.head()
    const kept: string[] = []
    let refused = 0
    let isOver = false
    const append = async (n: number, once: { name: string; digest: string }): Promise<void> => {
      const events = [{ topic: 'room', type: 'x', data: `${n}`, owner: 'u' }]
      try {
        kept.push(...(await store.append('ann', events, once)))
      } catch (error) {
        expect((error as { statusCode?: number }).statusCode).toBe(503)
        refused += 1
        await new Promise((done) => setTimeout(done, 20))
        return append(n, once)
      }
    }
    const appending = (async () => {
      for (let n = 1; !isOver; n++) await append(n, { name: `${n}`, digest: '' })
    })()
    await until('some are appended', () => kept.length > 50)
    await servers.failOver(redis.key('main', 'order'))
    const before = kept.length
    const wokenBefore = woken
    await until('more are appended', () => kept.length > before + 50)
    isOver = true
    await appending
    const { events, lost } = await store.read([{ topic: 'room', after: beginning }], wide)
    expect(lost).toEqual([])
    expect(events.map(({ data }) => Number(data))).toEqual(kept.map((_, index) => index + 1))
    expect(events.map(({ id }) => id)).toEqual(kept)
    expect(refused).toBeGreaterThan(0)
    await until('who waits is woken by the new master', () => woken > wokenBefore)
  }, 180_000)

  test('voids a token before its holder has the next one, whichever servers have the two', async () => {
    const { redis } = await open('void')
    const revocations = createRedisRevocations(redis)
    const until = Date.now() + 60_000
    for (let n = 0; n < 20; n++) {
      await revocations.succeed(`holder-${n}`, `first-${n}`, 1, until)
      await revocations.succeed(`holder-${n}`, `second-${n}`, 2, until)
      expect(await revocations.revokedFrom(`first-${n}`)).toBe(2)
      expect(await revocations.revokedFrom(`second-${n}`)).toBeUndefined()
    }
  })

  test('answers 503 for what too few replicas have', async () => {
    const redis = await connectRedis({ url: servers.url, prefix: 'few', replicas: 2, onError: () => {} })
    onTestFinished(() => redis.close())
    const written = redis.keep('few:{a}:b', redis.commands.set('few:{a}:b', '1'))
    await expect(written).rejects.toMatchObject({ statusCode: 503 })
    expect(await redis.commands.get('few:{a}:b')).toBe('1')
  })
})
