import { createClient } from 'redis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { RunningServer, ServerOptions } from '../../demo/server/app.ts'
import { formatEventId, parseEventId } from '../../demo/server/store/event-id.ts'
import { topicsUnderChaos } from '../cluster/topics.ts'
import { createRandom } from '../random.ts'
import { type Redis, startRedis } from '../redis.ts'
import { cookiesOf, numbered, post, start, tokenFor } from './start.ts'
import { mostBuffered, openStream, range, until } from './stream.ts'

/** Several nodes, in this process, on one Redis: what one says of itself it must know from there. */
let redis: Redis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.close())

let prefixes = 0

const startNodes = async (count: number, options: Partial<ServerOptions> = {}) => {
  const redisPrefix = `nodes-${prefixes++}`
  const shared = {
    redisUrl: redis.url,
    redisPrefix,
    tokenSecret: 'a secret of 32 characters or more',
    ...options,
  }
  const nodes = await Promise.all(range(1, count).map(() => start(shared)))
  const key = (name: string) => `${redisPrefix}:{main}:${name}`
  /** All that is known of the order of events, and of a user's own topic. */
  const ofOrder = (user: string) =>
    ['order', 'topics', 'counts', `t:user:${user}`, `of:${user}`, `day:${user}`].map(key)
  return { nodes, redisPrefix, key, ofOrder }
}

/** A Redis for a test that ends it. */
const ownRedis = async () => {
  const own = await startRedis()
  onTestFinished(() => own.close())
  return own
}

const open = async (server: RunningServer, request: Parameters<typeof openStream>[1] = {}) => {
  const stream = await openStream(server, request)
  expect(stream.response.status).toBe(200)
  return stream
}

test('R1 an event that one node takes comes by every other, and a client resumes at any of them', async () => {
  const { nodes } = await startNodes(3, { streamsPerUser: 5 })
  const [a, b, c] = nodes as [RunningServer, RunningServer, RunningServer]
  const streams = [await open(a), await open(b), await open(b), await open(c)]
  for (let n = 1; n <= 30; n++) await nodes[n % 3]!.publish('alice', numbered(1, n))
  for (const stream of streams) {
    await stream.received(30)
    expect(stream.numbers()).toEqual(range(1, 30))
  }
  const again = await open(c, { lastEventId: streams[0]!.ids()[9]! })
  await again.received(20)
  expect(again.numbers()).toEqual(range(11, 30))
  expect(again.response.headers.get('stream-resume')).toBe('continue')
})

test('R1 one node has one subscription for a user, however many streams', async () => {
  const { nodes, redisPrefix } = await startNodes(2, { streamsPerUser: 9 })
  const streams = [await open(nodes[0]!), await open(nodes[0]!), await open(nodes[0]!), await open(nodes[1]!)]
  const subscribers = async () =>
    ((await redis.ask('PUBSUB', 'NUMSUB', `${redisPrefix}:{main}:wake:user:alice`)) as [string, number])[1]
  await until(async () => (await subscribers()) === 2)
  for (const stream of streams) stream.close()
  await until(async () => (await subscribers()) === 0)
})

test('R2 an append that nobody is told of arrives with the next sign of life', async () => {
  const { nodes, key } = await startNodes(1, { pingInterval: 200 })
  const stream = await open(nodes[0]!)
  await nodes[0]!.publish('alice', numbered(1))
  await stream.received(1)
  const { epoch, position, stamp } = parseEventId(stream.ids()[0]!)!
  const [place, at] = [`${position + 1}`, `${Date.now()}`]
  const former = `${position}-${Number.parseInt(stamp!, 36)}`
  const fields = ['e', epoch, 't', 'x', 'd', '{"n":2}', 'o', 'alice', 's', '0', 'p', former, 'n', '2']
  // One script: a sign of life in between would find an order that has lost its end.
  const script = `redis.call('HSET', KEYS[1], 'place', ARGV[1], 'stamp', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[1], 'user:alice')
redis.call('XADD', KEYS[3], ARGV[1] .. '-' .. ARGV[2], unpack(ARGV, 3))`
  const keys = ['order', 'topics', 't:user:alice'].map(key)
  await redis.ask('EVAL', script, '3', ...keys, place, at, ...fields)
  await stream.received(2)
  expect(stream.numbers()).toEqual([1, 2])
})

test('R6 two streams a user over all nodes; 60 that race for them get two', async () => {
  const { nodes } = await startNodes(3)
  const token = await tokenFor(nodes[0]!, 'alice', 'sse')
  const streams = await Promise.all(range(1, 60).map((n) => openStream(nodes[n % 3]!, { token })))
  const granted = streams.filter(({ response }) => response.status === 200)
  expect(granted).toHaveLength(2)
  for (const { response } of streams.filter((stream) => !granted.includes(stream)))
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5'])
  granted[0]!.close()
  // The place is free at once: nobody waits for a lease to end.
  await until(async () => (await openStream(nodes[2]!, { token })).response.status === 200)
})

test('R6 the same browser replaces its own stream on another node, which is told, and stays away', async () => {
  const { nodes } = await startNodes(2)
  const old = await open(nodes[0]!, { client: 'browser-1' })
  const young = await open(nodes[1]!, { client: 'browser-1' })
  expect(await old.ended).toBe('clean')
  expect(old.text()).toMatch(/: replaced\n\nretry: 86400000\n\n$/)
  await nodes[0]!.publish('alice', numbered(1))
  await young.received(1)
  expect(old.events).toEqual([])
  await open(nodes[0]!, { client: 'browser-2' })
  expect((await openStream(nodes[0]!)).response.status).toBe(429)
})

test('R6 a stream that was replaced while its node heard nothing ends when it renews', async () => {
  const { nodes, redisPrefix } = await startNodes(1, { leaseLife: 3_000 })
  const stream = await open(nodes[0]!, { client: 'browser-1' })
  const key = `${redisPrefix}:{alice}:streams`
  const leases = (await redis.ask('HKEYS', key)) as string[]
  const id = leases.find((field) => /^[0-9a-f]{32}$/.test(field))!
  await redis.ask('HSET', key, id, `replaced|${Date.now() + 60_000}|`)
  expect(await stream.ended).toBe('clean')
  expect(stream.text()).toContain(': replaced')
})

test('R6 a lease is renewed while its stream lives, and ends by itself where nobody renews it', async () => {
  const { nodes, redisPrefix } = await startNodes(1, { leaseLife: 2_500 })
  const key = `${redisPrefix}:{alice}:streams`
  await redis.ask('HSET', key, 'of a node that was killed', `held|${Date.now() + 2_500}|`)
  const stream = await open(nodes[0]!)
  expect((await openStream(nodes[0]!)).response.status).toBe(429)
  await until(async () => (await openStream(nodes[0]!)).response.status === 200)
  await nodes[0]!.publish('alice', numbered(1))
  await stream.received(1)
})

test('R6 a node that cannot renew ends its streams before their places can be others’', async () => {
  const own = await ownRedis()
  const server = await start({
    redisUrl: own.url,
    tokenSecret: 'a secret of 32 characters or more',
    leaseLife: 2_500,
    storePatience: 60_000,
  })
  const stream = await open(server)
  await own.kill()
  expect(await stream.ended).toBe('clean')
  expect(server.connections().total).toBe(0)
})

test('R1 a Redis that restarts ends no stream, and loses nothing', async () => {
  const own = await ownRedis()
  const options = { redisUrl: own.url, tokenSecret: 'a secret of 32 characters or more', pingInterval: 500 }
  const server = await start(options)
  const stream = await open(server)
  await server.publish('alice', numbered(3))
  await stream.received(3)
  await own.kill()
  await expect(server.publish('alice', numbered(1, 4))).rejects.toThrow('Redis')
  expect((await openStream(server, { token: 'x' })).response.status).toBe(401)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  await own.start()
  await until(async () => (await fetch(`${server.url}/readyz`)).status === 200)
  await server.publish('alice', numbered(1, 4))
  await stream.received(4)
  expect(stream.numbers()).toEqual([1, 2, 3, 4])
})

test('R3 without Redis a request is told to come again, and nobody is let in', async () => {
  const own = await ownRedis()
  const server = await start({ redisUrl: own.url, tokenSecret: 'a secret of 32 characters or more' })
  const token = await tokenFor(server, 'alice', 'sse')
  await own.kill()
  const { response } = await openStream(server, { token })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await response.json()).toMatchObject({ error: 'unavailable' })
})

test('R4 an order that was wiped ends the streams on it, and the next is a reset', async () => {
  const { nodes, ofOrder } = await startNodes(2, { pingInterval: 200 })
  const stream = await open(nodes[0]!)
  await nodes[0]!.publish('alice', numbered(5))
  await stream.received(5)
  await redis.ask('DEL', ...ofOrder('alice'))
  // So many that a mere counter would take the sixth for the one that it waits for.
  await nodes[1]!.publish('alice', numbered(10))
  expect(await stream.ended).toBe('clean')
  expect(stream.numbers()).toEqual(range(1, 5))
  const again = await open(nodes[1]!, { lastEventId: stream.ids().at(-1)! })
  expect(again.response.headers.get('stream-resume')).toBe('reset')
})

test('R4 a log that was evicted is a reset for who has not had all of it, and for nobody else', async () => {
  const { nodes, key } = await startNodes(1)
  const ids = await nodes[0]!.publish('alice', numbered(5))
  await redis.ask('DEL', key('t:user:alice'))
  const resume = async (id: string) =>
    (await open(nodes[0]!, { lastEventId: id, client: 'one' })).response.headers.get('stream-resume')
  expect(await resume(ids[3]!)).toBe('reset')
  const stream = await open(nodes[0]!, { lastEventId: ids[4]!, client: 'one' })
  expect(stream.response.headers.get('stream-resume')).toBe('continue')
  await nodes[0]!.publish('alice', numbered(2, 6))
  await stream.received(2)
  expect(stream.numbers()).toEqual([6, 7])
  expect(await resume(ids[3]!)).toBe('reset')
})

test('R4 an order that has lost its end, as by a failover, is a reset for who has had that', async () => {
  const { nodes, ofOrder } = await startNodes(1, { pingInterval: 200 })
  const client = createClient({ url: redis.url })
  await client.connect()
  onTestFinished(() => client.destroy())
  const [first] = await nodes[0]!.publish('alice', numbered(5))
  const stream = await open(nodes[0]!, { lastEventId: first! })
  const keys = ofOrder('alice')
  await client.eval(
    `for _, key in ipairs(KEYS) do
       redis.call('RESTORE', key .. ':copy', 0, redis.call('DUMP', key), 'REPLACE')
     end`,
    { keys },
  )
  await nodes[0]!.publish('alice', numbered(2, 6))
  await stream.received(6)
  for (const key of keys) await client.rename(`${key}:copy`, key)
  await nodes[0]!.publish('alice', numbered(4, 100))
  expect(await stream.ended).toBe('clean')
  expect(stream.numbers()).toEqual(range(2, 7))
  const again = await open(nodes[0]!, { lastEventId: stream.ids().at(-1)! })
  expect(again.response.headers.get('stream-resume')).toBe('reset')
  // Who has had only what is still there has missed nothing.
  const other = await open(nodes[0]!, { lastEventId: stream.ids()[2]! })
  expect(other.response.headers.get('stream-resume')).toBe('continue')
  await other.received(5)
  expect(other.numbers()).toEqual([5, ...range(100, 103)])
})

test('R4 an id of the embedded store is unknown to Redis', async () => {
  const { nodes } = await startNodes(1)
  await nodes[0]!.publish('alice', numbered(1))
  const stream = await open(nodes[0]!, { lastEventId: formatEventId('00000000', 1) })
  expect(stream.response.headers.get('stream-resume')).toBe('reset')
})

test('R5 a log-out on one node voids the tokens on all, and ends the streams there', async () => {
  const { nodes } = await startNodes(2)
  const [a, b] = nodes as [RunningServer, RunningServer]
  const login = await post(a, '/api/v1/auth/login', { user: 'alice', password: 'rabbit-hole' })
  const { access_token } = (await login.json()) as { access_token: string }
  const exchange = await post(b, '/api/v1/auth/sse-token', { mode: 'header' }, access_token)
  const { sse_token } = (await exchange.json()) as { sse_token: string }
  const stream = await open(b, { token: sse_token })
  const out = await fetch(`${a.url}/api/v1/auth/logout`, {
    method: 'POST',
    headers: { Origin: a.url, 'X-Requested-With': 'fetch', Cookie: cookiesOf(login) },
  })
  expect(out.status).toBe(204)
  expect(await stream.ended).toBe('clean')
  expect((await openStream(b, { token: sse_token })).response.status).toBe(401)
  expect((await post(b, '/api/v1/events', {}, access_token)).status).toBe(401)
})

test('R5 a revocation that a node did not hear of is found when it renews the lease', async () => {
  const { nodes, redisPrefix } = await startNodes(1, { leaseLife: 3_000 })
  const stream = await open(nodes[0]!)
  const until = ['PX', '60000']
  await redis.ask('SET', `${redisPrefix}:revoked:user:alice`, `${Date.now() + 1_000}`, ...until)
  expect(await stream.ended).toBe('clean')
})

test('R5 the exchanges of a user count together, on whatever node', async () => {
  const { nodes } = await startNodes(3, { exchangesPerUser: 6, authPerAddress: 1_000 })
  const access = await tokenFor(nodes[0]!, 'alice', 'access')
  const other = await tokenFor(nodes[0]!, '127.0.0.1', 'access')
  const exchange = async (n: number, token: string) =>
    (await post(nodes[n % 3]!, '/api/v1/auth/sse-token', { mode: 'header' }, token)).status
  const statuses = await Promise.all(range(1, 12).map((n) => exchange(n, access)))
  expect(statuses.filter((status) => status === 200)).toHaveLength(6)
  expect(statuses.filter((status) => status === 429)).toHaveLength(6)
  // A user by the name of an address is not that address.
  expect(await exchange(1, other)).toBe(200)
})

test('A5 a key that one node rotates is signed with, and served, by all; in Redis it is sealed', async () => {
  const { nodes, redisPrefix } = await startNodes(2, { critical: ['workflow.failed'] })
  const [a, b] = nodes as [RunningServer, RunningServer]
  const kids = async (server: RunningServer) => {
    const { keys } = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[]
    }
    return keys.map(({ kid }) => kid)
  }
  const before = await kids(a)
  expect(await kids(b)).toEqual(before)
  const rotated = await Promise.all([a.rotateKeys(), b.rotateKeys()])
  expect((await kids(a)).toSorted()).toEqual([...before, ...rotated.map(({ kid }) => kid)].toSorted())
  expect(await kids(b)).toEqual(await kids(a))
  const current = (await kids(a))[0]!
  const kidOf = async (server: RunningServer) => {
    const stream = await open(server)
    await server.publish('alice', [{ type: 'workflow.failed', data: {} }])
    await stream.received(1)
    stream.close()
    return (
      JSON.parse(Buffer.from(stream.events[0]!.data.split('.')[0]!, 'base64url').toString()) as {
        kid: string
      }
    ).kid
  }
  await until(async () => (await kidOf(a)) === current && (await kidOf(b)) === current)
  const stored = (await redis.ask('GET', `${redisPrefix}:signing-keys`)) as string
  expect(Buffer.from(stored, 'base64').toString('latin1')).not.toContain('crv')
  await expect(
    start({ redisUrl: redis.url, redisPrefix, tokenSecret: 'another secret of 32 characters.' }),
  ).rejects.toThrow('another TOKEN_SECRET')
})

test('nodes without a secret in common, or with a short one, or without a Redis, do not start', async () => {
  await expect(start({ redisUrl: redis.url })).rejects.toThrow('TOKEN_SECRET')
  await expect(start({ redisUrl: redis.url, tokenSecret: 'short' })).rejects.toThrow('32 characters')
})

test('R1 a publisher that never saw the answer repeats the request elsewhere, and it counts once', async () => {
  const { nodes } = await startNodes(2)
  const token = await tokenFor(nodes[0]!, 'alice', 'access')
  const publish = async (server: RunningServer, key: string) => {
    const response = await fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
      },
      body: JSON.stringify([
        { type: 'novel.updated', data: 1 },
        { type: 'novel.updated', data: 2 },
      ]),
    })
    return { status: response.status, body: await response.json() }
  }
  const [first, second] = await Promise.all([publish(nodes[0]!, 'k'), publish(nodes[1]!, 'k')])
  expect(first).toMatchObject({ status: 201 })
  expect(second).toEqual(first)
  expect(await publish(nodes[1]!, 'l')).not.toEqual(first)
  expect((await publish(nodes[1]!, 'x'.repeat(65))).status).toBe(400)
})

test('a client that does not read is cut, and its stream holds less than 1 MiB, with Redis too', async () => {
  const { nodes } = await startNodes(1, { stallTimeout: 500 })
  const server = nodes[0]!
  const most = await mostBuffered(server)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(1024 * 1024)
})

const rooms: Partial<ServerOptions> = { authorizeTopic: (_, topic) => topic.startsWith('room/') }

/** R8, sent to any node. */
const putTopics = async (
  to: RunningServer,
  stream: Awaited<ReturnType<typeof openStream>>,
  token: string,
  body: { rev: number; topics: string[] },
) => {
  const response = await fetch(to.url + stream.response.headers.get('stream-topics')!, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json', 'Stream-Client': 'one', Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  return response.status
}

test('R8 any node takes another set of topics, and the stream tells it, wherever that is', async () => {
  const { nodes } = await startNodes(3, rooms)
  const [a, b, c] = nodes as [RunningServer, RunningServer, RunningServer]
  const token = await tokenFor(a, 'alice', 'sse')
  const stream = await open(a, { token, client: 'one', topics: ['room/1'] })
  expect(await putTopics(b, stream, token, { rev: 1, topics: ['room/1', 'room/2'] })).toBe(202)
  expect(await putTopics(c, stream, token, { rev: 1, topics: [] })).toBe(409)
  await until(() => stream.text().includes('{"rev":1,"topics":{"room/1":200,"room/2":200}}'))
  for (const [index, topic] of ['room/2', 'room/1', 'room/3', 'room/2'].entries())
    await nodes[index % 3]!.publish('bob', [{ type: 'x', topic, data: { n: index } }])
  await until(() => stream.text().includes('{"n":3}'))
  expect(
    stream
      .text()
      .match(/: topic room\/\d|\{"n":\d\}/g)!
      .join(' '),
  ).toBe(': topic room/2 {"n":0} : topic room/1 {"n":1} : topic room/2 {"n":3}')
  expect(await putTopics(c, stream, token, { rev: 2, topics: [] })).toBe(202)
  await until(() => stream.text().includes('{"rev":2,"topics":{}}'))
  const next = await open(b, { token, client: 'one' })
  expect(await putTopics(c, stream, token, { rev: 3, topics: [] })).toBe(404)
  expect(await putTopics(c, next, token, { rev: 1, topics: ['room/1'] })).toBe(202)
  await until(() => next.text().includes('{"rev":1,"topics":{"room/1":200}}'))
})

test('R8 of sets that come at once, to whatever nodes, the last one holds', async () => {
  const { nodes } = await startNodes(3, { ...rooms, topicChangesPerSecond: 1_000 })
  const token = await tokenFor(nodes[0]!, 'alice', 'sse')
  const stream = await open(nodes[0]!, { token, client: 'one' })
  const sets = range(1, 30).map((rev) => ({ rev, topics: [`room/${rev}`] }))
  const statuses = await Promise.all(sets.map((set) => putTopics(nodes[set.rev % 3]!, stream, token, set)))
  expect(statuses[29]).toBe(202)
  await until(() => stream.text().includes('{"rev":30,'))
  for (const { rev } of sets)
    await nodes[0]!.publish('bob', [{ type: 'x', topic: `room/${rev}`, data: { n: rev } }])
  await until(() => stream.text().includes('{"n":30}'))
  expect(stream.text().match(/\{"n":\d+\}/g)).toEqual(['{"n":30}'])
})

test('R8 a set of which the node has not heard is found', async () => {
  const { nodes, redisPrefix } = await startNodes(1, { ...rooms, topicCheckInterval: 50 })
  const stream = await open(nodes[0]!, { client: 'one' })
  const id = new URLSearchParams(stream.response.headers.get('stream-topics')!.split('?')[1]).get('stream')!
  await redis.ask('HSET', `${redisPrefix}:{alice}:wanted`, id, '4 ["room/1"]')
  await until(() => stream.text().includes('{"rev":4,"topics":{"room/1":200}}'))
})

test('R8 what was wanted of a stream is forgotten with it', async () => {
  const { nodes, redisPrefix } = await startNodes(1, rooms)
  const token = await tokenFor(nodes[0]!, 'alice', 'sse')
  const stream = await open(nodes[0]!, { token, client: 'one' })
  expect(await putTopics(nodes[0]!, stream, token, { rev: 1, topics: ['room/1'] })).toBe(202)
  const kept = () => redis.ask('EXISTS', `${redisPrefix}:{alice}:wanted`)
  expect(await kept()).toBe(1)
  stream.close()
  await until(async () => (await kept()) === 0)
})

test('R7 a right that is revoked on one node ends the topic on all, at once', async () => {
  let isAllowed = true
  const { nodes } = await startNodes(3, { authorizeTopic: () => isAllowed })
  const stream = await open(nodes[0]!, { topics: ['room/1', 'room/2'] })
  isAllowed = false
  await nodes[1]!.revokeTopic('alice', 'room/1')
  await until(() => stream.text().includes('{"rev":0,"topics":{"room/1":403}}'))
  await nodes[2]!.publish('bob', [{ type: 'x', topic: 'room/1', data: { n: 1 } }])
  await nodes[2]!.publish('bob', [{ type: 'x', topic: 'room/2', data: { n: 2 } }])
  await stream.received(2)
  expect(stream.text()).not.toContain('{"n":1}')
})

test('R7 everything of a space is in one slot of a cluster, and everything of a user’s places in another', async () => {
  const { nodes, redisPrefix } = await startNodes(1, { ...rooms, space: 'ten{ant}' })
  const token = await tokenFor(nodes[0]!, 'alice', 'sse')
  const stream = await open(nodes[0]!, { token, client: 'one', topics: ['room/{1}'] })
  await putTopics(nodes[0]!, stream, token, { rev: 1, topics: ['room/{2}'] })
  await nodes[0]!.publish('{bob}', [{ type: 'x', topic: 'room/{1}', data: 1 }], 'a-name')
  const keys = ((await redis.ask('KEYS', `${redisPrefix}:*`)) as string[]).filter((key) => key.includes('{'))
  const tags = new Set(keys.map((key) => /\{([^}]*)\}/.exec(key)![1]))
  expect(tags).toEqual(new Set(['ten%7Bant%7D', 'alice']))
})

test('R7 R8 nodes go and come, and Redis too: of topics nothing is lost, doubled or out of order', async () => {
  const own = await ownRedis()
  const random = createRandom(7)
  const isRoom = (_: string, topic: string) => topic.startsWith('room/')
  const options = {
    redisUrl: own.url,
    tokenSecret: 'a secret of 32 characters or more',
    pingInterval: 500,
    topicCheckInterval: 500,
    leaseLife: 5_000,
    authorizeTopic: isRoom,
    authorizePublish: isRoom,
  }
  const first = await start(options)
  const others = [await start(options), await start(options)]
  const rooms = await topicsUnderChaos(
    {
      entries: () => [first, ...others].map(({ url }) => url),
      post: (url, body, headers = {}) =>
        fetch(url, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...headers },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(10_000),
        }),
      tokenFor: (user, kind) => tokenFor(first, user, kind),
    },
    random,
    5,
  )
  for (let turn = 0; turn < 6; turn++) {
    await new Promise((done) => setTimeout(done, 1_000))
    if (turn % 3 === 0) {
      await own.kill()
      await own.start()
    } else if (turn % 3 === 1) {
      const [gone] = others.splice(0, 1)
      await gone!.close()
      others.push(await start(options))
    } else {
      await own.ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
    }
  }
  const { deliveries, puts, changes, ...rest } = await rooms.stop()
  expect(rest).toMatchObject({ lost: 0, doubled: 0, outOfOrder: 0, gaps: 0, unasked: 0, uncovered: 0 })
  expect(deliveries).toBeGreaterThan(100)
  expect(puts).toBeGreaterThan(5)
  expect(changes).toBeGreaterThan(puts)
}, 180_000)
