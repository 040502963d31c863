import { randomBytes as random } from 'node:crypto'
import type { EventStore, Retention } from '../../../demo/server/store/event-store.ts'
import { openLmdbStore } from '../../../demo/server/store/lmdb-event-store.ts'
import { connectRedis } from '../../../demo/server/store/redis-connection.ts'
import { createRedisStore } from '../../../demo/server/store/redis-event-store.ts'
import type { Redis } from '../../redis.ts'
import { temporaryDirectory } from '../start.ts'

let prefixes = 0

export const retentionOf = (events: number, bytesPerAccount = Number.POSITIVE_INFINITY) => ({
  events,
  bytesPerAccount,
  eventsPerAccount: 50_000,
  topicsPerAccount: 1_000,
})

export const engines = ['lmdb', 'redis'] as const

type Place = (retention: Retention) => Promise<EventStore>

/** A place for a store of each engine: opening it twice is opening the same store. */
export const placesFor = (redis: () => Redis): Record<(typeof engines)[number], () => Place> => ({
  lmdb: () => {
    const dataDir = temporaryDirectory()
    return async (retention: Retention) => openLmdbStore({ dataDir, retention, random })
  },
  redis: () => {
    const prefix = `test-${prefixes++}`
    return async (retention: Retention) => {
      const onError = () => {}
      const connection = await connectRedis({ url: redis().url, prefix, replicas: 0, onError })
      const store = createRedisStore({
        redis: connection,
        space: 'main',
        retention,
        random,
        now: Date.now,
        onError,
      })
      let state: 'open' | 'closed' = 'open'
      const close = async () => {
        if (state === 'closed') return
        state = 'closed'
        await store.close()
        await connection.close()
      }
      return { ...store, close }
    }
  },
})
