import { type EventId, formatEventId, parseEventId } from './event-id.ts'
import {
  type EventStore,
  type Lookup,
  type NewEvent,
  type Once,
  onceFor,
  type StoredEvent,
  usedForOthers,
} from './event-store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { createWakeups } from './wakeups.ts'

export interface RedisStoreOptions {
  redis: RedisConnection
  /** Events kept for each user, at least: Redis trims whole blocks, and so keeps up to a hundred more. */
  retention: number
  /** Bytes kept for each user (`sizeOf`). The oldest go; the newest event stays, whatever its size. */
  maxBytes: number
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. */
  now: () => number
  onError: (error: unknown) => void
}

/*
 * One Redis Stream a user. The id of an entry is `<position>-<stamp>`: the position counts up by one, the stamp is
 * the instant of the append. A log begins with an entry at position 0, of a field `e`: the log's epoch, 8 random hex
 * digits, which every entry repeats. Everything that is known of a log is in this one key, so that no half of it can
 * be evicted, and `<epoch>-<position>-<stamp>` proves itself:
 *
 * - a log that was wiped begins anew, with another epoch;
 * - a log that has lost its end (a failover to a replica that lagged, a disk that had not been written) counts the
 *   same positions again, but not at the same instants. A counter alone would pass over what is new there;
 * - an entry that is kept vouches for what is behind it.
 *
 * Each entry says in `b` how many bytes were ever appended up to and with it: what two entries say differs by what lies
 * between them, so that nobody has to add up a log to know its size.
 */

const shared = `
local function text(number) return string.format('%.0f', number) end

local function clock()
  local time = redis.call('TIME')
  return text(time[1] * 1000 + math.floor(time[2] / 1000))
end

-- Id, epoch and bytes of the newest entry. A log that isn't there is begun.
local function tail(epoch)
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if last then return last[1], last[2][2], tonumber(last[2][12]) or 0 end
  return redis.call('XADD', KEYS[1], '0-' .. clock(), 'e', epoch), epoch, 0
end

local function position(id) return tonumber(string.match(id, '^%d+')) end

-- 'known': the entry itself is there.
local function lookup(id, epoch)
  local entry = redis.call('XRANGE', KEYS[1], id, id, 'COUNT', 1)[1]
  if entry and entry[2][2] == epoch then return 'known' end
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if first and first[2][2] == epoch and position(id) < position(first[1]) then return 'trimmed' end
  return 'unknown'
end
`

/**
 * ARGV: epoch of a new log, retention, channel, life of a name (0: none), expected end, its epoch, stamp, digest, most
 * bytes, then 4 for each event.
 */
const appendScript = `${shared}
local known = ARGV[4] ~= '0' and redis.call('GET', KEYS[2])
if known then
  local answer, digest = string.match(known, '^(%S+) (.*)$')
  return digest == ARGV[8] and answer or 'used-for-others'
end
local last, epoch, bytes = tail(ARGV[1])
if ARGV[5] ~= '' and (ARGV[5] ~= last or ARGV[6] ~= epoch) then return false end
local stamp, at = ARGV[7] == '' and clock() or ARGV[7], position(last)
for index = 10, #ARGV, 4 do
  at = at + 1
  bytes = bytes + #ARGV[index] + #ARGV[index + 1] + #ARGV[index + 2]
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], text(at) .. '-' .. stamp,
    'e', epoch, 't', ARGV[index], 'd', ARGV[index + 1], 'o', ARGV[index + 2], 's', ARGV[index + 3],
    'b', text(bytes))
end

-- Bytes from an entry, which counts, to the end of the log.
local function held(entry)
  local fields = entry[2]
  return fields[12] and bytes - tonumber(fields[12]) + #fields[4] + #fields[6] + #fields[8] or bytes
end
local most, from, keep = tonumber(ARGV[9]), '-', nil
if held(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]) > most then
  repeat
    local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 64)
    for _, entry in ipairs(page) do
      if not keep and held(entry) <= most then keep = entry[1] end
    end
    if #page > 0 then from = '(' .. page[#page][1] end
  until keep or #page == 0
  redis.call('XTRIM', KEYS[1], 'MINID', '=', keep or (text(at) .. '-' .. stamp))
end
local answer = epoch .. '-' .. text(position(last) + 1) .. '-' .. stamp
if ARGV[4] ~= '0' then redis.call('SET', KEYS[2], answer .. ' ' .. ARGV[8], 'PX', ARGV[4]) end
redis.call('PUBLISH', ARGV[3], '')
return answer
`

/** ARGV: id ('' for all), its epoch, most events, most bytes. In pages, or 256 large events would all be read. */
const readScript = `${shared}
if ARGV[1] ~= '' then
  local found = lookup(ARGV[1], ARGV[2])
  if found ~= 'known' then return found end
end
local from, limit, bytes, events = ARGV[1] == '' and '1-0' or '(' .. ARGV[1], tonumber(ARGV[3]), 0, {}
while #events < limit do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', math.min(32, limit - #events))
  for _, entry in ipairs(page) do
    events[#events + 1] = entry
    bytes = bytes + #entry[2][6]
    if bytes >= tonumber(ARGV[4]) then return events end
  end
  if #page == 0 then return events end
  from = '(' .. page[#page][1]
end
return events
`

const lookupScript = `${shared} return lookup(ARGV[1], ARGV[2])`

const boundsScript = `${shared}
local last, epoch = tail(ARGV[1])
local first = redis.call('XRANGE', KEYS[1], '1-0', '+', 'COUNT', 1)[1]
return { epoch, last, first and first[1] or '' }
`

const entryId = ({ position, stamp }: EventId) => `${position}-${Number.parseInt(stamp!, 36)}`

const idOf = (epoch: string, entry: string) => {
  const [position, stamp] = entry.split('-').map(Number)
  return formatEventId(epoch, position!, stamp!.toString(36))
}

const toEvent = ([entry, fields]: [string, string[]]): StoredEvent => {
  const [, epoch, , type, , data, , owner, , signed] = fields
  const [position, at] = entry.split('-').map(Number)
  return {
    position: position!,
    id: idOf(epoch!, entry),
    at: at!,
    type: type!,
    data: data!,
    owner: owner!,
    ...(signed === '1' ? { signed: true } : {}),
  }
}

/**
 * The store that nodes share. Pub/Sub only wakes: what a message would have told is in the stream, and is read when
 * the next one comes, when the connection is back, or at the next sign of life of the HTTP stream, whichever is first.
 */
export const createRedisStore = (options: RedisStoreOptions): EventStore => {
  const { redis, retention, maxBytes, random, now, onError } = options
  const append = redis.script(appendScript)
  const read = redis.script(readScript)
  const find = redis.script(lookupScript)
  const bound = redis.script(boundsScript)
  const logOf = (user: string) => redis.key(user, 'log')
  const newEpoch = () => random(4).toString('hex')

  const listener = (_: string, channel: string) => {
    const user = userOf.get(channel)
    if (user !== undefined) wakeups.wake(user)
  }

  /** Of the channels that are listened to. */
  const userOf = new Map<string, string>()
  const wakeups = createWakeups({
    onFirst(user) {
      const channel = redis.key(user, 'wake')
      userOf.set(channel, user)
      redis.subscriber.subscribe(channel, listener).then(
        // What was appended since the stream has looked: nobody was listening then.
        () => wakeups.wake(user),
        onError,
      )
    },
    onLast(user) {
      const channel = redis.key(user, 'wake')
      userOf.delete(channel)
      redis.subscriber.unsubscribe(channel, listener).catch(onError)
    },
  })
  // It listens again by then, to all that it listened to; what was said meanwhile it has not heard.
  const onReady = () => wakeups.wakeAll()
  redis.subscriber.on('ready', onReady)

  /** Ids of an append; all events of one share their stamp. */
  const write = async (
    user: string,
    events: readonly NewEvent[],
    once: Once | undefined,
    behind?: { end: string; firstId: string },
  ): Promise<string[] | undefined> => {
    const end = behind && parseEventId(behind.end)!
    const answer = (await append(
      [logOf(user), redis.key(user, `once:${once?.name ?? ''}`)],
      [
        newEpoch(),
        retention,
        redis.key(user, 'wake'),
        once === undefined ? 0 : onceFor,
        end ? entryId(end) : '',
        end?.epoch ?? '',
        behind ? Number.parseInt(parseEventId(behind.firstId)!.stamp!, 36) : '',
        once?.digest ?? '',
        Math.min(maxBytes, Number.MAX_SAFE_INTEGER),
        ...events.flatMap(({ type, data, owner, signed }) => [type, data, owner, signed ? '1' : '0']),
      ],
    )) as string | null
    if (answer === null) return
    if (answer === 'used-for-others') throw usedForOthers()
    const [epoch, start, stamp] = answer.split('-')
    return events.map((_, index) => formatEventId(epoch!, Number(start) + index, Number(stamp).toString(36)))
  }

  return {
    append: async (user, events, once) => (events.length === 0 ? [] : (await write(user, events, once))!),

    appendAfter: async (user, end, events, once) =>
      events.length === 0 ? [] : write(user, events, once, { end, firstId: events[0]!.id }),

    idsAfter(end, count) {
      const { epoch, position } = parseEventId(end)!
      const stamp = now().toString(36)
      return Array.from({ length: count }, (_, index) => formatEventId(epoch, position + 1 + index, stamp))
    },

    async readAfter(user, id, limit) {
      const place = id === null ? null : parseEventId(id)
      if (place === undefined || (place !== null && place.stamp === undefined)) return
      const answer = await read(
        [logOf(user)],
        [place ? entryId(place) : '', place?.epoch ?? '', limit.events, limit.characters],
      )
      return typeof answer === 'string' ? undefined : (answer as [string, string[]][]).map(toEvent)
    },

    async lookup(user, id) {
      const place = parseEventId(id)
      if (place?.stamp === undefined) return 'unknown'
      return (await find([logOf(user)], [entryId(place), place.epoch])) as Lookup
    },

    async bounds(user) {
      const [epoch, last, first] = (await bound([logOf(user)], [newEpoch()])) as [string, string, string]
      const position = Number.parseInt(last, 10)
      return {
        first: first === '' ? position + 1 : Number.parseInt(first, 10),
        last: position,
        end: idOf(epoch, last),
      }
    },

    subscribe: wakeups.subscribe,

    async check() {
      await redis.attempt(redis.commands.set(redis.name('checked'), new Date(now()).toISOString()))
    },

    async close() {
      redis.subscriber.off('ready', onReady)
    },
  }
}
