import type { RedisConnection } from './redis-connection.ts'
import type { Revocations, Use } from './revocations.ts'

/** KEYS: the holder. ARGV: token, from, until, prefix of keys. */
const succeedScript = `
local former = redis.call('GET', KEYS[1])
if former then
  local token, ends = string.match(former, '^(.*) (%d+)$')
  redis.call('SET', ARGV[4] .. token, ARGV[2], 'PXAT', ends)
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[3], 'PXAT', ARGV[3])
`

/** KEYS: the holder. ARGV: token, next, now, end of its grace, until. A value: token, token before, end of its grace. */
const useScript = `
local current, former, ends = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%S+) (%d+)$')
if current == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[1] .. ' ' .. ARGV[4], 'PXAT', ARGV[5])
  return 'first'
end
if former == ARGV[1] and tonumber(ARGV[3]) < tonumber(ends) then return current end
return 'stale'
`

/** What is void on one node is void on all. Redis forgets an entry once what it names has expired. */
export const createRedisRevocations = (redis: RedisConnection): Revocations => {
  const { commands, attempt } = redis
  const prefix = redis.name('revoked:')
  const succeed = redis.script(succeedScript)
  const use = redis.script(useScript)

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

    async use(holder, token, next, { now, grace, until }): Promise<Use> {
      const times = [now, now + grace, until].map(Math.ceil)
      const answer = (await use([redis.name(holder)], [token, next, ...times])) as string
      return answer === 'first' || answer === 'stale'
        ? { state: answer }
        : { state: 'again', current: answer }
    },

    async hold(holder, token, until) {
      await attempt(
        commands.set(redis.name(holder), `${token} - 0`, {
          expiration: { type: 'PXAT', value: Math.ceil(until) },
        }),
      )
    },

    async isFirstUse(id, life) {
      const expiration = { type: 'PX', value: life } as const
      return (await attempt(commands.set(redis.name(id), '1', { condition: 'NX', expiration }))) !== null
    },

    async close() {},
  }
}
