import type { RedisConnection } from './redis-connection.ts'
import type { Revocations, Use } from './revocations.ts'

/** KEYS: the holder. ARGV: what must be there ('' for nothing), token, until. */
const replaceScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3], 'PXAT', ARGV[3])
return 1
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
  const { commands, attempt, keep } = redis
  const replace = redis.script(replaceScript)
  const use = redis.script(useScript)

  const put = (key: string, value: string, until: number) =>
    keep(key, commands.set(key, value, { expiration: { type: 'PXAT', value: Math.ceil(until) } }))
  const revoke = async (id: string, from: number, until: number) => {
    await put(redis.name(`revoked:${id}`), String(from), until)
  }

  return {
    revoke,

    async revokedFrom(id) {
      const from = await attempt(commands.get(redis.name(`revoked:${id}`)))
      return from === null ? undefined : Number(from)
    },

    // Two keys, which a cluster keeps apart. The former token is void before the holder has the next one: what is cut off in
    // between can be asked for again.
    async succeed(holder, token, from, until) {
      const key = redis.name(holder)
      for (;;) {
        const former = (await attempt(commands.get(key))) ?? ''
        const [, voided, ends] = /^(.*) (\d+)$/.exec(former) ?? []
        if (voided !== undefined) await revoke(voided, from, Number(ends))
        if ((await keep(key, replace([key], [former, token, Math.ceil(until)]))) === 1) return
      }
    },

    async use(holder, token, next, { now, grace, until }): Promise<Use> {
      const times = [now, now + grace, until].map(Math.ceil)
      const key = redis.name(holder)
      const answer = (await keep(key, use([key], [token, next, ...times]))) as string
      return answer === 'first' || answer === 'stale'
        ? { state: answer }
        : { state: 'again', current: answer }
    },

    async hold(holder, token, until) {
      await put(redis.name(holder), `${token} - 0`, until)
    },

    async isFirstUse(id, life) {
      const expiration = { type: 'PX', value: life } as const
      return (await attempt(commands.set(redis.name(id), '1', { condition: 'NX', expiration }))) !== null
    },

    async close() {},
  }
}
