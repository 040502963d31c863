import type { Leases, Want, WantedTopics } from './leases.ts'
import type { Notices } from './notices.ts'
import type { RedisConnection } from './redis-connection.ts'

export interface RedisLeasesOptions {
  redis: RedisConnection
  notices: Notices
  streamsPerUser: number
  /** Milliseconds that a lease outlives its last renewal. */
  life: number
}

/*
 * One hash a user. A field is a lease: `held|<end>|<client>`, or `replaced|<end>|`, which is what a node finds that has
 * missed the message. `peak` is the most that were ever held at once. The only clock is Redis's own.
 */
const shared = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Leases that are held by field, how many those are, and the peak. What has ended is removed.
local function read()
  local held, count, peak, all = {}, 0, 0, redis.call('HGETALL', KEYS[1])
  for index = 1, #all, 2 do
    local field, value = all[index], all[index + 1]
    if field == 'peak' then peak = tonumber(value)
    else
      local state, ends, client = string.match(value, '^(%a+)|(%d+)|(.*)$')
      if tonumber(ends) <= now then redis.call('HDEL', KEYS[1], field)
      elseif state == 'held' then held[field] = client; count = count + 1 end
    end
  end
  return held, count, peak
end

local function write(field, state, client, life)
  redis.call('HSET', KEYS[1], field, state .. '|' .. string.format('%.0f', now + life) .. '|' .. client)
end

local function grant(field, client, life, count, peak)
  write(field, 'held', client, life)
  if count > peak then redis.call('HSET', KEYS[1], 'peak', count) end
  -- Longer than any lease: the peak is there for who comes later and asks.
  redis.call('PEXPIRE', KEYS[1], life * 15)
end
`

/** ARGV: id, client ('' for none), places, life, channel. */
const claimScript = `${shared}
local id, client, places, life = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local held, count, peak = read()
local replaced = 0
for other, name in pairs(held) do
  if client ~= '' and name == client then
    write(other, 'replaced', '', life)
    count, replaced = count - 1, 1
    redis.call('PUBLISH', ARGV[5], cjson.encode({ kind = 'replaced', lease = other }))
  end
end
if count >= places then return { 0, replaced } end
grant(id, client, life, count + 1, peak)
return { count + 1, replaced }
`

/**
 * ARGV: the same. One that is gone though nobody replaced it is given anew, if there is room: Redis was wiped. Also where
 * Redis is full: what it writes has its place already, and a stream that is open must not end for that.
 */
const renewScript = `#!lua flags=allow-oom
${shared}
local id, client, places, life = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local held, count, peak = read()
local value = redis.call('HGET', KEYS[1], id)
if value and string.sub(value, 1, 8) == 'replaced' then return 'replaced' end
if not held[id] then
  for _, name in pairs(held) do if client ~= '' and name == client then return 'replaced' end end
  if count >= places then return 'lost' end
  count = count + 1
end
grant(id, client, life, count, peak)
return 'held'
`

/**
 * KEYS: the leases, what is wanted of them. ARGV: id, client, rev, text, channel. By lease: `<rev> <text>`, until the lease is
 * given back, or a day after its node was killed.
 */
const wantScript = `${shared}
local held = read()
if held[ARGV[1]] ~= ARGV[2] then return 'gone' end
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known and tonumber(string.match(known, '^%d+')) >= tonumber(ARGV[3]) then return 'stale' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[4])
redis.call('PEXPIRE', KEYS[2], 86400000)
redis.call('PUBLISH', ARGV[5], cjson.encode({ kind = 'wanted', lease = ARGV[1] }))
return 'taken'
`

const hasScript = `${shared} local _, count = read() return count`

/** The places that nodes share. */
export const createRedisLeases = ({ redis, notices, streamsPerUser, life }: RedisLeasesOptions): Leases => {
  const claim = redis.script(claimScript)
  const renew = redis.script(renewScript)
  const has = redis.script(hasScript)
  const want = redis.script(wantScript)
  const keyOf = (user: string) => redis.key(user, 'streams')
  const wantedKeyOf = (user: string) => redis.key(user, 'wanted')

  return {
    life,

    async claim({ user, id, client }) {
      const args = [id, client ?? '', streamsPerUser, life, notices.channel]
      const [count, replaced] = (await claim([keyOf(user)], args)) as [number, number]
      return count === 0 ? { state: 'refused' } : { state: 'granted', replaced: replaced === 1, count }
    },

    renew: async ({ user, id, client }) =>
      (await renew([keyOf(user)], [id, client ?? '', streamsPerUser, life])) as 'held' | 'replaced' | 'lost',

    async release({ user, id }) {
      const { commands, attempt } = redis
      await Promise.all([keyOf(user), wantedKeyOf(user)].map((key) => attempt(commands.hDel(key, id))))
    },

    has: async (user) => Number(await has([keyOf(user)], [])) > 0,

    async want({ user, id, client }, { rev, topics }) {
      const keys = [keyOf(user), wantedKeyOf(user)]
      return (await want(keys, [id, client ?? '', rev, JSON.stringify(topics), notices.channel])) as Want
    },

    async wanted({ user, id }) {
      const text = await redis.attempt(redis.commands.hGet(wantedKeyOf(user), id))
      const [, rev, topics] = /^(\d+) (.*)$/s.exec(text ?? '') ?? []
      if (topics === undefined) return null
      return { rev: Number(rev), topics: JSON.parse(topics) as WantedTopics['topics'] }
    },

    onWanted: (listener) =>
      notices.on((notice) => {
        if (notice.kind === 'wanted') listener(notice.lease)
      }),

    onReplaced: (listener) =>
      notices.on((notice) => {
        if (notice.kind === 'replaced') listener(notice.lease)
      }),
  }
}
