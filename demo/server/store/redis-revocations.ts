import type { RedisConnection } from './redis-connection.ts'
import type { Revocations } from './revocations.ts'

/** KEYS: the holder. ARGV: token, from, until, prefix of keys. */
const succeedScript = `
local former = redis.call('GET', KEYS[1])
if former then
  local token, ends = string.match(former, '^(.*) (%d+)$')
  redis.call('SET', ARGV[4] .. token, ARGV[2], 'PXAT', ends)
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[3], 'PXAT', ARGV[3])
`

/** What is void on one node is void on all. Redis forgets an entry once what it names has expired. */
export const createRedisRevocations = (redis: RedisConnection): Revocations => {
  const { commands, attempt } = redis
  const prefix = redis.name('revoked:')
  const succeed = redis.script(succeedScript)

  return {
    async revoke(id, from, until) {
      await attempt(
        commands.set(prefix + id, String(from), {
          expiration: { type: 'PXAT', value: Math.ceil(until) },
        }),
      )
    },

    async revokedFrom(id) {
      const from = await attempt(commands.get(prefix + id))
      return from === null ? undefined : Number(from)
    },

    async succeed(holder, token, from, until) {
      await succeed([redis.name(holder)], [token, Math.ceil(from), Math.ceil(until), prefix])
    },

    async close() {},
  }
}
