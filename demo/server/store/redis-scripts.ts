/*
 * Over 250 lines: the scripts are of one layout, which this comment tells.
 *
 * All of a space shares one hash tag, and so one slot of a cluster: an append is one script, so that no place of the order
 * is seen before a lower one.
 *
 * - `order`, a hash: `epoch`, 8 random hex digits; `place` and `stamp` of the end; `floor`, behind which topics that are
 *   forgotten had no event.
 * - `topics`, a sorted set: the topics by the place of their newest event. `counts`, a hash: how many events each had, ever.
 * - `t:<topic>`, a stream: the topic's events. The id of an entry is `<place>-<stamp>`: the place in the order, and the
 *   instant of the append. Each entry repeats the epoch, and says in `p` the id of the topic's entry before it.
 * - `of:<account>`, a stream: which events the account has appended, with their sum of bytes up to and with each.
 * - `day:<account>`, a sorted set: the topics that the account appends to, by since when that counts.
 *
 * So `<epoch>-<place>-<stamp>` proves itself:
 *
 * - an order that was wiped begins anew, with another epoch;
 * - an order that has lost its end (a failover to a replica that lagged, a disk that had not been written) counts the same
 *   places again, but later. An entry at or before a place, of a later stamp, proves that the place was another one;
 * - an entry whose `p` is not behind a place proves that nothing between the two is missing. Where there is no entry behind
 *   a place, `topics` says whether there was one.
 */

const shared = `
local function text(number) return string.format('%.0f', number) end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function split(id)
  local place, stamp = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(place), tonumber(stamp)
end

-- Epoch, place and stamp of the end; nil where there is no order.
local function order()
  local found = redis.call('HMGET', KEYS[1], 'epoch', 'place', 'stamp')
  if found[1] then return found[1], tonumber(found[2]), tonumber(found[3]) end
end

local function begin(epoch)
  local stamp = clock()
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'place', 0, 'stamp', text(stamp), 'floor', 0)
  return epoch, 0, stamp
end

-- The fields of an entry: e, epoch, t, type, d, data, o, owner, s, signed, p, id before, n, position.
local function isOf(entry, epoch) return entry and entry[2][2] == epoch end
`

const places = `
-- Whether the log of a topic has all that is behind a place.
local function find(key, topic, epoch, place, stamp)
  local own, last, lastStamp = order()
  if not own or own ~= epoch or place > last or (place == last and stamp ~= lastStamp) then return 'unknown' end
  local before = redis.call('XREVRANGE', key, text(place), '-', 'COUNT', 1)[1]
  if isOf(before, own) then
    local _, then_ = split(before[1])
    if then_ > stamp then return 'unknown' end
  end
  local behind = redis.call('XRANGE', key, text(place + 1), '+', 'COUNT', 1)[1]
  if isOf(behind, own) then
    local former, then_ = split(behind[2][12])
    if former > place then return 'trimmed' end
    return then_ > stamp and 'unknown' or 'known'
  end
  local newest = redis.call('ZSCORE', KEYS[2], topic) or redis.call('HGET', KEYS[1], 'floor')
  return tonumber(newest) > place and 'trimmed' or 'known'
end
`

/**
 * KEYS: order, topics, counts, of the account, its day, its name (`once`), then a log for each topic. ARGV: epoch of a new
 * order, events kept of a topic, life of a name (0: none), digest, bytes and events kept of an account, topics of an
 * account, length of a day, topics of a space, prefix of logs, stamp and place of the first event ('': the next ones), number
 * of topics, then those, each with its channel, then 5 for each event: the number of its topic, type, data, owner, signed.
 */
export const appendScript = `${shared}
local known = ARGV[3] ~= '0' and redis.call('GET', KEYS[6])
if known then
  local answer, digest = string.match(known, '^(%S+) (.*)$')
  return digest == ARGV[4] and answer or 'used-for-others'
end
local epoch, place, stamp = order()
if not epoch then epoch, place, stamp = begin(ARGV[1]) end
local now = math.max(clock(), stamp)
if ARGV[12] ~= '' then
  if tonumber(ARGV[12]) <= place or tonumber(ARGV[11]) < stamp then return false end
  place, now = tonumber(ARGV[12]) - 1, tonumber(ARGV[11])
end
local first, named = place + 1, tonumber(ARGV[13])

-- Topics that the account begins with today.
local fresh, begins = {}, now - tonumber(ARGV[8])
for index = 1, named do
  local since = redis.call('ZSCORE', KEYS[5], ARGV[12 + 2 * index])
  if not since or tonumber(since) <= begins then fresh[#fresh + 1] = ARGV[12 + 2 * index] end
end
if #fresh > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', text(begins))
  if redis.call('ZCARD', KEYS[5]) + #fresh > tonumber(ARGV[7]) then return 'too-many-topics' end
  for _, topic in ipairs(fresh) do redis.call('ZADD', KEYS[5], text(now), topic) end
  redis.call('PEXPIRE', KEYS[5], ARGV[8])
end

-- By topic: id of its newest entry, and how many there were.
local newest, counts = {}, {}
for index = 1, named do
  local topic = ARGV[12 + 2 * index]
  local entry = redis.call('XREVRANGE', KEYS[6 + index], '+', '-', 'COUNT', 1)[1]
  local last = tonumber(redis.call('ZSCORE', KEYS[2], topic) or 0)
  if entry and not isOf(entry, epoch) then
    redis.call('DEL', KEYS[6 + index])
    entry = nil
  end
  newest[index] = entry and split(entry[1]) == last and entry[1] or (text(last) .. '-0')
  counts[index] = last > 0 and tonumber(redis.call('HGET', KEYS[3], topic) or 0) or 0
end

local before = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)[1]
local bytes = isOf(before, epoch) and tonumber(before[2][6]) or 0
if before and not isOf(before, epoch) then redis.call('DEL', KEYS[4]) end
for at = 14 + 2 * named, #ARGV, 5 do
  local index = tonumber(ARGV[at])
  local size = #ARGV[at + 1] + #ARGV[at + 2] + #ARGV[at + 3]
  place, bytes, counts[index] = place + 1, bytes + size, counts[index] + 1
  local id = text(place) .. '-' .. text(now)
  redis.call('XADD', KEYS[6 + index], 'MAXLEN', '~', ARGV[2], id, 'e', epoch, 't', ARGV[at + 1], 'd', ARGV[at + 2],
    'o', ARGV[at + 3], 's', ARGV[at + 4], 'p', newest[index], 'n', text(counts[index]))
  redis.call('XADD', KEYS[4], id, 'e', epoch, 't', ARGV[12 + 2 * index], 'b', text(bytes), 's', size)
  newest[index] = id
end
redis.call('HSET', KEYS[1], 'place', text(place), 'stamp', text(now))
for index = 1, named do
  local topic = ARGV[12 + 2 * index]
  redis.call('ZADD', KEYS[2], text((split(newest[index]))), topic)
  redis.call('HSET', KEYS[3], topic, text(counts[index]))
end

-- What the account keeps no more. Its newest event stays.
local over, last = redis.call('XLEN', KEYS[4]) - tonumber(ARGV[6]), nil
repeat
  local page, removed = redis.call('XRANGE', KEYS[4], last and '(' .. last or '-', '+', 'COUNT', 64), 0
  for index, entry in ipairs(page) do
    local held = bytes - tonumber(entry[2][6]) + tonumber(entry[2][8])
    local isNewest = entry[1] == text(place) .. '-' .. text(now)
    if isNewest or (over <= 0 and held <= tonumber(ARGV[5])) then break end
    redis.call('XDEL', ARGV[10] .. entry[2][4], entry[1])
    last, over, removed = entry[1], over - 1, index
  end
until removed < 64
if last then redis.call('XTRIM', KEYS[4], 'MINID', '=', text((split(last)) + 1)) end

-- The topics that had no event for the longest.
local many = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[9])
if many > 0 then
  local quiet = redis.call('ZPOPMIN', KEYS[2], many)
  for index = 1, #quiet, 2 do
    redis.call('DEL', ARGV[10] .. quiet[index])
    redis.call('HDEL', KEYS[3], quiet[index])
    redis.call('HSET', KEYS[1], 'floor', quiet[index + 1])
  end
end

local answer = epoch .. '-' .. text(first) .. '-' .. text(now)
if ARGV[3] ~= '0' then redis.call('SET', KEYS[6], answer .. ' ' .. ARGV[4], 'PX', ARGV[3]) end
for index = 1, named do redis.call('PUBLISH', ARGV[13 + 2 * index], '') end
return answer
`

/**
 * KEYS: order, topics, then a log for each topic. ARGV: most events, most bytes, then 4 for each topic: name, epoch, place
 * and stamp of where its reader stands (place '': from the oldest on; epoch '*': passing over gaps). Answers the end, whether there is more, the numbers of
 * topics that are lost, and each event with the number of its topic. In pages, or 256 large events of each would be read.
 */
export const readScript = `${shared}${places}
local epoch, last, stamp = order()
local limit, most, topics = tonumber(ARGV[1]), tonumber(ARGV[2]), #KEYS - 2
local size = math.max(1, math.floor(32 / topics))
local logs, lost, isLost = {}, {}, {}

local function lose(index)
  lost[#lost + 1] = index
  isLost[index] = true
end

-- Reads on where a page is used up.
local function fill(log)
  if log.at <= #log.page then return true end
  log.page, log.at = redis.call('XRANGE', KEYS[2 + log.index], log.from, '+', 'COUNT', size), 1
  local newest = log.page[#log.page]
  if not isOf(newest, epoch) then return false end
  log.from = '(' .. newest[1]
  return true
end

for index = 1, topics do
  local at = 4 * index - 1
  local name, place = ARGV[at], ARGV[at + 2]
  local passes = place == '' or ARGV[at + 1] == '*'
  local known = passes or find(KEYS[2 + index], name, ARGV[at + 1], tonumber(place), tonumber(ARGV[at + 3])) == 'known'
  if not known then lose(index)
  else
    local log = { index = index, name = name, passes = passes, from = place == '' and '-' or text(tonumber(place) + 1), page = {}, at = 1 }
    if fill(log) then logs[#logs + 1] = log end
  end
end

local events, bytes = {}, 0
while #logs > 0 and #events < limit and bytes < most do
  local least, least_at
  for number, log in ipairs(logs) do
    local place = split(log.page[log.at][1])
    if not least or place < least then least, least_at = place, number end
  end
  local log = logs[least_at]
  local entry = log.page[log.at]
  -- The account of a publisher may have lost an event amid the log of a topic, or its last ones.
  if not log.passes and log.former and split(entry[2][12]) > log.former then
    lose(log.index)
    table.remove(logs, least_at)
  else
    events[#events + 1] = { log.index, entry[1], entry[2] }
    bytes = bytes + #entry[2][6]
    log.former, log.at = least, log.at + 1
    if not fill(log) then
      if not log.passes and tonumber(redis.call('ZSCORE', KEYS[2], log.name) or 0) > least then lose(log.index) end
      table.remove(logs, least_at)
    end
  end
end

local kept = {}
for _, event in ipairs(events) do
  if not isLost[event[1]] then kept[#kept + 1] = event end
end
return { epoch or '', text(last or 0) .. '-' .. text(stamp or 0), #logs > 0 and 1 or 0, lost, kept }
`

/** KEYS: order, topics, then a log for each topic. ARGV: epoch, place, stamp, then the topics. */
export const lookupScript = `${shared}${places}
local answers = {}
for index = 1, #KEYS - 2 do
  answers[index] = find(KEYS[2 + index], ARGV[3 + index], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
end
return answers
`

/** KEYS: order, topics. ARGV: epoch of a new order. */
export const headScript = `${shared}
local epoch, place, stamp = order()
if not epoch then epoch, place, stamp = begin(ARGV[1]) end
return { epoch, text(place) .. '-' .. text(stamp) }
`

/** KEYS: order, topics, counts, the log. ARGV: the topic. */
export const boundsScript = `${shared}
local epoch = order()
local first = redis.call('XRANGE', KEYS[4], '-', '+', 'COUNT', 1)[1]
local count = epoch and redis.call('ZSCORE', KEYS[2], ARGV[1]) and redis.call('HGET', KEYS[3], ARGV[1]) or '0'
return { isOf(first, epoch) and first[2][14] or '', count }
`
