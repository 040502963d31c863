import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { RedisConnection } from './redis-connection.ts'

/** ARGV: window. Answers the count, and what is left of the window. */
const countScript = `
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }
`

/**
 * A store for @fastify/rate-limit. The one that it brings wants another Redis client, and two clients are two sets of
 * connections to look after. Limits that must not count together differ in their `groupId`.
 */
export const redisRateLimitStore = (redis: RedisConnection): FastifyRateLimitStoreCtor => {
  const count = redis.script(countScript)

  const storeOf = (group: string): FastifyRateLimitStore => ({
    incr(key, answer, timeWindow) {
      count([redis.name(`rate:${group}:${key}`)], [timeWindow]).then(
        (result) => {
          const [current, ttl] = result as [number, number]
          answer(null, { current, ttl })
        },
        (error: Error) => answer(error),
      )
    },
    child: (options) => storeOf((options as { groupId?: string }).groupId ?? ''),
  })

  // The plugin takes a constructor; what that returns is what `new` gives.
  return function Store() {
    return storeOf('')
  } as unknown as FastifyRateLimitStoreCtor
}
