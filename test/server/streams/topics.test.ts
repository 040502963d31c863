import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { RunningServer, ServerOptions } from '../../../demo/server/app.ts'
import { post, start, tokenFor } from '../start.ts'
import { openStream, range, streamsOpen, type TestStream, until } from '../stream.ts'

const type = 'genesis.progress'
const rooms: Partial<ServerOptions> = { authorizeTopic: (_, topic) => topic.startsWith('room/') }

const say = (server: RunningServer, topic: string, n: number, user = 'alice') =>
  server.publish(user, [{ type, topic, data: { n } }])

/** What a stream was told, block by block: events with the names that their blocks give, and markers. */
const blocksOf = (stream: TestStream) =>
  stream
    .text()
    .split('\n\n')
    // The last one has not come to its end.
    .slice(0, -1)
    .flatMap((block) => {
      const lines = block.split('\n')
      const fields = (name: string) =>
        lines.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []))
      const field = (name: string) => fields(`${name}:`)[0]
      const data = field('data')
      if (data === undefined) return []
      const named = fields(': topic')
      return [
        { type: field('event')!, id: field('id')!, named, data: JSON.parse(data) as Record<string, unknown> },
      ]
    })

const markersOf = (stream: TestStream) =>
  blocksOf(stream).flatMap(({ type, id, data }) =>
    type === 'stream.topics' ? [{ id, ...(data as { rev: number; topics: Record<string, number> }) }] : [],
  )

const toldOf = (stream: TestStream) =>
  blocksOf(stream).flatMap(({ type, named, data }) => (type === 'stream.topics' ? [] : [[...named, data.n]]))

/** R8: another set of topics for a stream that is open. */
const put = async (
  server: RunningServer,
  stream: TestStream,
  body: unknown,
  {
    token,
    client = 'one',
    headers = {},
  }: { token?: string; client?: string; headers?: Record<string, string> } = {},
) => {
  const response = await fetch(new URL(stream.response.headers.get('stream-topics')!, server.url), {
    method: 'PUT',
    headers: {
      'Content-Type': 'application/json',
      'Stream-Client': client,
      ...(headers.Cookie
        ? {}
        : { Authorization: `Bearer ${token ?? (await tokenFor(server, 'alice', 'sse'))}` }),
      ...headers,
    },
    body: JSON.stringify(body),
  })
  return response.status
}

const markers = (stream: TestStream, count: number) => until(() => markersOf(stream).length >= count)

describe('R7 topics in the request', () => {
  test('the first block says what became of each, with the place at which the stream begins', async () => {
    const server = await start({
      authorizeTopic: (_, topic) =>
        new Map([
          ['room/1', true],
          ['room/2', false],
        ]).get(topic),
    })
    await say(server, 'room/1', 1)
    const long = `room/${'x'.repeat(200)}`
    const stream = await openStream(server, {
      topics: ['room/1', 'room/2', 'room/3', long, 'user:alice', 'user:bob'],
    })
    await markers(stream, 1)
    const [first] = blocksOf(stream)
    const { ids } = (await (await fetch(`${server.url}/debug/events?user=alice`)).json()) as { ids: string[] }
    expect(ids).toEqual([])
    expect(first).toMatchObject({ type: 'stream.topics', data: { rev: 0 } })
    expect(first!.data.topics).toEqual({
      'room/1': 200,
      'room/2': 403,
      'room/3': 404,
      [long]: 413,
      'user:alice': 200,
      'user:bob': 403,
    })
    expect(stream.response.headers.get('stream-topics')).toMatch(/^\/api\/v1\/events\/stream\/topics\?/)
    // The room's first event is before the stream, and its place is where that begins.
    expect(first!.id).toMatch(/^[0-9a-f]{8}-1$/)
  })

  test('events come by one order and name their topic; those of the own topic do so only if asked', async () => {
    const server = await start({ ...rooms, streamsPerUser: 9 })
    const both = await openStream(server, { topics: ['room/1', 'room/2'] })
    const own = await openStream(server, { topics: ['room/2', 'user:alice'] })
    const none = await openStream(server)
    const topics = ['room/1', 'room/2', 'user:alice', 'room/3']
    for (let n = 1; n <= 40; n++) await say(server, topics[n % 4]!, n, n % 4 === 2 ? 'alice' : 'bob')
    const expected = (names: readonly string[]) =>
      range(1, 40).flatMap((n) => {
        const topic = topics[n % 4]!
        if (names.includes(topic)) return [[topic, n]]
        return topic === 'user:alice' ? [[n]] : []
      })
    const all: [TestStream, string[]][] = [
      [both, ['room/1', 'room/2']],
      [own, ['room/2', 'user:alice']],
      [none, []],
    ]
    for (const [stream, names] of all) {
      await until(() => toldOf(stream).length >= expected(names).length)
      expect(toldOf(stream)).toEqual(expected(names))
    }
    expect(none.text()).not.toContain(': topic')
    expect(none.text()).not.toContain('stream.topics')
  })

  test('after any id a request for any set gets all of that set', async () => {
    const server = await start({ ...rooms, streamsPerUser: 99 })
    const topics = ['room/1', 'room/2', 'room/3']
    const ids: string[] = []
    for (let n = 1; n <= 30; n++) ids.push((await say(server, topics[n % 3]!, n))[0]!)
    const token = await tokenFor(server, 'alice', 'sse')
    const cases: [number, string[]][] = [
      [1, ['room/2']],
      [7, ['room/1', 'room/3']],
      [12, topics],
      [29, ['room/1']],
    ]
    for (const [from, set] of cases) {
      const lastEventId = ids[from - 1]!
      const stream = await openStream(server, {
        token,
        topics: set,
        lastEventId,
        client: `from-${from}`,
      })
      const expected = range(from + 1, 30).flatMap((n) =>
        set.includes(topics[n % 3]!) ? [[topics[n % 3]!, n]] : [],
      )
      await until(() => toldOf(stream).length >= expected.length)
      expect(toldOf(stream)).toEqual(expected)
      expect(stream.response.headers.get('stream-resume')).toBe('continue')
      expect(markersOf(stream)[0]).toEqual({
        id: lastEventId,
        rev: 0,
        topics: Object.fromEntries(set.map((topic) => [topic, 200])),
      })
    }
  })

  test('a topic of which something is missing is 410, alone; it goes on from now, and the others from where they were', async () => {
    const server = await start({ ...rooms, retention: 5 })
    const [first] = await say(server, 'room/1', 1)
    await server.publish('alice', [{ type, data: { n: 2 } }])
    await say(server, 'room/2', 3)
    for (let n = 10; n < 30; n++) await say(server, 'room/1', n)
    const stream = await openStream(server, { topics: ['room/1', 'room/2'], lastEventId: first! })
    await say(server, 'room/1', 30)
    await until(() => toldOf(stream).length >= 3)
    expect(stream.response.headers.get('stream-resume')).toBe('continue')
    expect(markersOf(stream)).toEqual([{ id: first, rev: 0, topics: { 'room/1': 410, 'room/2': 200 } }])
    expect(toldOf(stream)).toEqual([[2], ['room/2', 3], ['room/1', 30]])
  })

  test('where the own topic has lost something, all of the stream is a reset', async () => {
    const server = await start({ ...rooms, retention: 5 })
    const [first] = await say(server, 'room/1', 1)
    for (let n = 2; n < 20; n++) await server.publish('alice', [{ type, data: { n } }])
    const stream = await openStream(server, { topics: ['room/1'], lastEventId: first! })
    expect(stream.response.headers.get('stream-resume')).toBe('reset')
    await markers(stream, 1)
    expect(markersOf(stream)[0]!.topics).toEqual({ 'room/1': 200 })
  })

  test('R2 with a sign of life a quiet stream is told how far it is, if it has topics', async () => {
    const server = await start({ ...rooms, pingInterval: 50, streamsPerUser: 9 })
    const stream = await openStream(server, { topics: ['room/1'] })
    const without = await openStream(server)
    await markers(stream, 1)
    const ids = await Promise.all(range(1, 5).map((n) => say(server, 'room/2', n, 'bob')))
    const last = ids
      .flat()
      .toSorted((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1]))
      .at(-1)!
    await until(() => stream.text().includes(`\n\nid: ${last}\n\n`))
    const pings = () => without.text().split(': ping').length
    const before = pings()
    await until(() => pings() > before + 3)
    expect(without.text()).not.toContain(last)
  })

  test('a stream has 100 topics at most: those that come last are 429', async () => {
    const server = await start(rooms)
    const names = range(1, 103).map((n) => `room/${n}`)
    const stream = await openStream(server, { topics: names })
    await markers(stream, 1)
    const { topics } = markersOf(stream)[0]!
    expect(names.map((name) => topics[name])).toEqual([...Array(100).fill(200), 429, 429, 429])
    await say(server, 'room/103', 1)
    await say(server, 'room/100', 2)
    await until(() => toldOf(stream).length === 1)
    expect(toldOf(stream)).toEqual([['room/100', 2]])
  })

  test.each([
    ['a line feed', 'room/1\n: topic room/2'],
    ['a carriage return', 'room/1\rid: forged'],
    ['NUL', 'room/1\0'],
    ['a line separator', 'room/1\u2028'],
    ['a paragraph separator', 'room/1\u2029'],
    ['a next line', 'room/1\u0085'],
    ['a sign that turns the direction', 'room/\u202e1'],
    ['nothing', ''],
    ['a star', '*'],
  ])(
    'N10 a name with %s is no topic: 404 where it is asked for, 400 where it is published to',
    async (_, name) => {
      const server = await start({ authorizeTopic: () => true, authorizePublish: () => true })
      const stream = await openStream(server, { topics: [name, 'room/2'], client: 'one' })
      await markers(stream, 1)
      expect(markersOf(stream)[0]!.topics).toEqual({ [name]: 404, 'room/2': 200 })
      expect(await put(server, stream, { rev: 1, topics: [name] })).toBe(202)
      await markers(stream, 2)
      expect(markersOf(stream)[1]!.topics).toEqual({ [name]: 404 })
      const token = await tokenFor(server, 'alice', 'access')
      const published = await post(server, '/api/v1/events', { type, topic: name, data: 1 }, token)
      expect(published.status).toBe(400)
      await expect(server.publish('alice', [{ type, topic: name, data: 1 }])).rejects.toMatchObject({
        statusCode: 400,
      })
      expect(stream.text()).not.toMatch(/^: topic|^id: forged/m)
    },
  )

  test('a name that looks like a line of the stream is a name', async () => {
    const server = await start({ authorizeTopic: () => true })
    const name = ': topic room/2'
    const stream = await openStream(server, { topics: [name] })
    await say(server, name, 1)
    await until(() => toldOf(stream).length === 1)
    expect(stream.text()).toContain('\n: topic : topic room/2\nid: ')
  })

  test('A3 no answer of the application gives a user another one’s own topic', async () => {
    const server = await start({ authorizeTopic: () => true })
    const stream = await openStream(server, { topics: ['user:bob'] })
    await markers(stream, 1)
    expect(markersOf(stream)[0]!.topics).toEqual({ 'user:bob': 403 })
  })

  test('no event is published that a client would take for a marker', async () => {
    const server = await start()
    const forged = server.publish('alice', [{ type: 'stream.topics', data: { rev: 9, topics: {} } }])
    await expect(forged).rejects.toMatchObject({ statusCode: 400, code: 'type_reserved' })
  })
})

describe('R7 rights', () => {
  test('a right that is revoked ends the topic at once, and is told', async () => {
    const allowed = new Set(['room/1', 'room/2'])
    const server = await start({ authorizeTopic: (_, topic) => allowed.has(topic) })
    const stream = await openStream(server, { topics: ['room/1', 'room/2'] })
    await say(server, 'room/1', 1)
    await until(() => toldOf(stream).length === 1)
    allowed.delete('room/1')
    await server.revokeTopic('alice', 'room/1')
    await say(server, 'room/1', 2)
    await say(server, 'room/2', 3)
    await until(() => toldOf(stream).length === 2)
    expect(toldOf(stream)).toEqual([
      ['room/1', 1],
      ['room/2', 3],
    ])
    expect(markersOf(stream)[1]).toMatchObject({ rev: 0, topics: { 'room/1': 403 } })
  })

  test('rights are asked for again as long as a topic is held: what is taken away, and given back, is told', async () => {
    let answer: boolean | Error = true
    let asked = 0
    const authorizeTopic = () => {
      asked += 1
      if (answer instanceof Error) throw answer
      return answer
    }
    const server = await start({ authorizeTopic, topicCheckInterval: 30 })
    const stream = await openStream(server, { topics: ['room/1'] })
    await markers(stream, 1)
    answer = false
    await markers(stream, 2)
    await say(server, 'room/1', 1)
    answer = true
    await markers(stream, 3)
    await say(server, 'room/1', 2)
    await until(() => toldOf(stream).length === 1)
    expect(toldOf(stream)).toEqual([['room/1', 2]])
    expect(markersOf(stream).map(({ topics }) => topics['room/1'])).toEqual([200, 403, 200])
    // That nobody can say is no withdrawal.
    answer = new Error('away')
    const before = asked
    await until(() => asked > before + 1)
    await say(server, 'room/1', 3)
    await until(() => toldOf(stream).length === 2)
    expect(markersOf(stream)).toHaveLength(3)
  })

  test('a topic of which nobody can say is 503, and 200 once somebody can', async () => {
    let isAway = true
    const authorizeTopic = async () => {
      if (isAway) throw new Error('away')
      return true
    }
    const server = await start({ authorizeTopic, topicCheckInterval: 30 })
    const stream = await openStream(server, { topics: ['room/1'] })
    await markers(stream, 1)
    isAway = false
    await markers(stream, 2)
    expect(markersOf(stream).map(({ topics }) => topics['room/1'])).toEqual([503, 200])
  })

  test('a right that is revoked while the stream opens is found', async () => {
    let isAllowed = true
    let judged = 0
    const server: RunningServer = await start({
      authorizeTopic: async () => {
        const answer = isAllowed
        if (judged++ === 0) {
          isAllowed = false
          await server.revokeTopic('alice', 'room/1')
        }
        return answer
      },
    })
    const stream = await openStream(server, { topics: ['room/1'] })
    await markers(stream, 2)
    expect(markersOf(stream).map(({ topics }) => topics['room/1'])).toEqual([200, 403])
  })
})

describe('R8 another set for a stream that is open', () => {
  const open = async (options: Partial<ServerOptions> = {}, topics?: string[]) => {
    const server = await start({ ...rooms, ...options })
    const token = await tokenFor(server, 'alice', 'sse')
    const stream = await openStream(server, { token, client: 'one', ...(topics ? { topics } : {}) })
    return { server, stream, token }
  }

  test('ten joins and as many leaves open no other stream; each is told with its number', async () => {
    const { server, stream, token } = await open()
    for (let rev = 1; rev <= 10; rev++) {
      const topics = range(1, rev).map((n) => `room/${n}`)
      expect(await put(server, stream, { rev, topics }, { token })).toBe(202)
      await markers(stream, rev)
      await say(server, `room/${rev}`, rev)
      await until(() => toldOf(stream).length === rev)
      await pause(110)
    }
    expect(markersOf(stream).map(({ rev, topics }) => [rev, topics])).toEqual(
      range(1, 10).map((rev) => [rev, Object.fromEntries(range(1, rev).map((n) => [`room/${n}`, 200]))]),
    )
    expect(await put(server, stream, { rev: 11, topics: ['room/10'] }, { token })).toBe(202)
    await markers(stream, 11)
    expect(markersOf(stream)[10]).toMatchObject({ rev: 11, topics: { 'room/10': 200 } })
    for (let n = 1; n <= 10; n++) await say(server, `room/${n}`, 100 + n)
    await until(() => toldOf(stream).length === 11)
    expect(toldOf(stream).at(-1)).toEqual(['room/10', 110])
    expect(server.connections()).toMatchObject({ total: 1, opened: 1 })
  })

  test('what is joined comes from its marker on: nothing that is older, and all that is newer', async () => {
    const { server, stream, token } = await open({}, ['room/1'])
    let n = 0
    const published = new Map<string, number>()
    const publish = async (topic: string) => {
      const number = ++n
      const [id] = await say(server, topic, number)
      published.set(id!, number)
    }
    for (let rev = 1; rev <= 8; rev++) {
      const publishing = Promise.all(range(1, 30).map((index) => publish(`room/${1 + (index % 2)}`)))
      expect(
        await put(server, stream, { rev, topics: rev % 2 ? ['room/1', 'room/2'] : ['room/1'] }, { token }),
      ).toBe(202)
      await publishing
      await markers(stream, rev + 1)
      await pause(110)
    }
    await until(() => toldOf(stream).filter(([topic]) => topic === 'room/1').length === 120)
    const place = (id: string) => Number(id.split('-')[1])
    const blocks = blocksOf(stream)
    const places = blocks.map(({ id }) => place(id))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    const all = [...published]
      .map(([id, number]) => [place(id), number] as const)
      .toSorted((a, b) => a[0] - b[0])
    // Of the second room: all between a marker that joins it and the next marker.
    const told = blocks.filter(({ named }) => named[0] === 'room/2').map(({ id }) => place(id))
    const marks = markersOf(stream)
    const ofSecond = new Set<number>()
    for (const [index, { id, topics }] of marks.entries()) {
      if (topics['room/2'] !== 200) continue
      const end = marks[index + 1] ? place(marks[index + 1]!.id) : Number.POSITIVE_INFINITY
      for (const at of told) if (at > place(id) && at <= end) ofSecond.add(at)
    }
    expect(told.every((at) => ofSecond.has(at))).toBe(true)
    expect(all.length).toBe(240)
  })

  test('a number that is not above the last is 409, and nothing is done', async () => {
    const { server, stream, token } = await open()
    expect(await put(server, stream, { rev: 5, topics: ['room/1'] }, { token })).toBe(202)
    await markers(stream, 1)
    for (const rev of [5, 4])
      expect(await put(server, stream, { rev, topics: ['room/2'] }, { token })).toBe(409)
    await say(server, 'room/2', 1)
    await say(server, 'room/1', 2)
    await until(() => toldOf(stream).length === 1)
    expect(toldOf(stream)).toEqual([['room/1', 2]])
    expect(markersOf(stream)).toHaveLength(1)
  })

  test('each name of a set is told, and those that were refused are judged anew', async () => {
    const allowed = new Set(['room/1'])
    const { server, stream, token } = await open({ authorizeTopic: (_, topic) => allowed.has(topic) })
    expect(await put(server, stream, { rev: 1, topics: ['room/1', 'room/2'] }, { token })).toBe(202)
    await markers(stream, 1)
    allowed.add('room/2')
    expect(await put(server, stream, { rev: 2, topics: ['room/1', 'room/2'] }, { token })).toBe(202)
    await markers(stream, 2)
    expect(markersOf(stream).map(({ topics }) => topics)).toEqual([
      { 'room/1': 200, 'room/2': 403 },
      { 'room/1': 200, 'room/2': 200 },
    ])
  })

  test('404 for who has no such stream: another client, another user, a stream that is gone or replaced', async () => {
    const { server, stream, token } = await open()
    const body = { rev: 1, topics: ['room/1'] }
    expect(await put(server, stream, body, { token, client: 'two' })).toBe(404)
    const bob = await tokenFor(server, 'bob', 'sse')
    expect(await put(server, stream, body, { token: bob })).toBe(404)
    const next = await openStream(server, { token, client: 'one' })
    expect(await put(server, stream, body, { token })).toBe(404)
    expect(await put(server, next, body, { token })).toBe(202)
    next.close()
    await streamsOpen(server, 0)
    expect(await put(server, next, { ...body, rev: 2 }, { token })).toBe(404)
  })

  test('it takes an SSE token, a client, a set, and not too many a second', async () => {
    const { server, stream, token } = await open()
    const body = { rev: 1, topics: [] }
    expect(await put(server, stream, body, { token: await tokenFor(server, 'alice', 'access') })).toBe(401)
    expect(await put(server, stream, body, { token: 'x' })).toBe(401)
    const bad = [
      {},
      { rev: 0, topics: [] },
      { rev: 1.5, topics: [] },
      { rev: 1 },
      { rev: 1, topics: [1] },
      [],
      null,
    ]
    for (const wrong of bad) {
      expect(await put(server, stream, wrong, { token })).toBe(400)
      await pause(110)
    }
    const many = range(1, 1_001).map((n) => `room/${n}`)
    expect(await put(server, stream, { rev: 1, topics: many }, { token })).toBe(413)
    await pause(1_000)
    const statuses = await Promise.all(
      range(1, 40).map((rev) => put(server, stream, { rev, topics: [] }, { token })),
    )
    expect(statuses).toContain(429)
    expect(statuses.filter((status) => status === 202 || status === 409).length).toBeLessThanOrEqual(20)
    // Another stream's are counted apart.
    const other = await openStream(server, { token, client: 'two' })
    expect(await put(server, other, body, { token, client: 'two' })).toBe(202)
  })

  test('R5 by the cookie only from an own page, with the name of the client', async () => {
    const server = await start({ ...rooms, users: { alice: 'secret' } })
    const access = await tokenFor(server, 'alice', 'access')
    const exchange = await fetch(`${server.url}/api/v1/auth/sse-token`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${access}`, 'Stream-Client': 'one', Origin: server.url },
    })
    const cookie = exchange.headers.getSetCookie()[0]!
    expect(cookie).toContain('Path=/api/v1/events/stream;')
    const Cookie = cookie.split(';')[0]!
    const stream = await openStream(server, { cookie: Cookie, client: 'one', topics: [] })
    const body = { rev: 1, topics: ['room/1'] }
    const foreign = { Cookie, Origin: 'https://evil.example' }
    expect(await put(server, stream, body, { headers: foreign })).toBe(403)
    expect(await put(server, stream, body, { headers: { Cookie, 'Sec-Fetch-Site': 'cross-site' } })).toBe(403)
    expect(await put(server, stream, body, { headers: { Cookie, Origin: server.url } })).toBe(202)
    await markers(stream, 1)
  })

  test('CORS lets origins of the list ask for other topics, and read where to', async () => {
    const origin = 'https://app.example'
    const server = await start({ ...rooms, allowedOrigins: [origin] })
    const preflight = await fetch(`${server.url}/api/v1/events/stream/topics`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' },
    })
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    const stream = await openStream(server, { headers: { Origin: origin } })
    expect(stream.response.headers.get('access-control-expose-headers')).toContain('Stream-Topics')
  })

  test('A7 of a token that is bound to a key it takes a proof for that address and method', async () => {
    const { server } = await open()
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
    const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const proof = (method: string, path: string, token: string) => {
      const head = base64({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
      const claims = {
        htm: method,
        htu: server.url + path,
        iat: Math.floor(Date.now() / 1_000),
        jti: randomUUID(),
        ath: createHash('sha256').update(token).digest('base64url'),
      }
      const text = `${head}.${base64(claims)}`
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    }
    const access = await tokenFor(server, 'bob', 'access')
    const exchange = await fetch(`${server.url}/api/v1/auth/sse-token`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${access}`, DPoP: proof('POST', '/api/v1/auth/sse-token', access) },
    })
    const { sse_token: token } = (await exchange.json()) as { sse_token: string }
    const path = '/api/v1/events/stream'
    const headers = (method: string, to: string) => ({
      Authorization: `DPoP ${token}`,
      DPoP: proof(method, to, token),
    })
    const stream = await openStream(server, { client: 'bobs', headers: headers('GET', path) })
    expect(stream.response.status).toBe(200)
    const body = { rev: 1, topics: ['room/1'] }
    const ask = (own: Record<string, string>) => put(server, stream, body, { client: 'bobs', headers: own })
    expect(await ask({ Authorization: `DPoP ${token}` })).toBe(401)
    expect(await ask({ Authorization: `Bearer ${token}` })).toBe(401)
    expect(await ask(headers('GET', `${path}/topics`))).toBe(401)
    expect(await ask(headers('PUT', path))).toBe(401)
    expect(await ask(headers('PUT', `${path}/topics`))).toBe(202)
  })

  test('metrics count topics that are held, joins, leaves, refusals and changes', async () => {
    const { server, stream, token } = await open({}, ['room/1', 'hall'])
    expect(await put(server, stream, { rev: 1, topics: ['room/2', 'room/3'] }, { token })).toBe(202)
    await markers(stream, 2)
    const text = await (await fetch(`${server.opsUrl}/metrics`)).text()
    const metric = (name: string) => new RegExp(`^tabstream_${name} (\\S+)$`, 'm').exec(text)?.[1]
    expect(metric('topics')).toBe('2')
    expect(metric('topics_joined_total')).toBe('3')
    expect(metric('topics_left_total')).toBe('1')
    expect(metric('topics_refused_total{status="403"}')).toBe('1')
    expect(metric('topic_changes_total{status="202"}')).toBe('1')
  })
})

describe('publishing to a topic', () => {
  const publish = async (server: RunningServer, token: string, body: unknown, key?: string) => {
    const response = await fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${token}`,
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as { ids?: string[]; error?: string } }
  }

  test('takes a right of its own, all or none', async () => {
    const server = await start({ ...rooms, authorizePublish: (user, topic) => topic === `room/${user}` })
    const token = await tokenFor(server, 'alice', 'access')
    const stream = await openStream(server, { user: 'bob', topics: ['room/alice', 'room/bob'] })
    const event = (topic: unknown, n: number) => ({ type, topic, data: { n } })
    expect(await publish(server, token, event('room/bob', 1))).toMatchObject({ status: 403 })
    expect(await publish(server, token, event('user:bob', 1))).toMatchObject({ status: 403 })
    const mixed = [event('room/alice', 1), event('room/bob', 2)]
    expect(await publish(server, token, mixed)).toMatchObject({
      status: 403,
      body: { error: 'topic_forbidden' },
    })
    expect((await publish(server, token, event(1, 1))).status).toBe(400)
    expect((await publish(server, token, [event('room/alice', 3), event(undefined, 4)])).status).toBe(201)
    await until(() => toldOf(stream).length === 1)
    expect(toldOf(stream)).toEqual([['room/alice', 3]])
  })

  test('N4 a name is of all topics: with another topic it was used for other events', async () => {
    const server = await start({ ...rooms, authorizePublish: () => true })
    const token = await tokenFor(server, 'alice', 'access')
    const first = await publish(server, token, { type, topic: 'room/1', data: 1 }, 'k')
    expect(first.status).toBe(201)
    expect(await publish(server, token, { type, topic: 'room/1', data: 1 }, 'k')).toEqual(first)
    expect((await publish(server, token, { type, topic: 'room/2', data: 1 }, 'k')).status).toBe(422)
  })

  test('N10 topics do not lend a user more bytes, nor another user fewer', async () => {
    const server = await start({
      ...rooms,
      authorizePublish: () => true,
      bytesPerUser: 200_000,
      topicsPerUser: 10,
    })
    await say(server, 'room/bob', 1, 'bob')
    const token = await tokenFor(server, 'alice', 'access')
    for (let n = 0; n < 10; n++)
      await publish(server, token, { type, topic: `room/${n}`, data: 'x'.repeat(60_000) })
    expect(await publish(server, token, { type, topic: 'room/10', data: 1 })).toMatchObject({
      status: 429,
      body: { error: 'too_many_topics' },
    })
    const [epoch] = (await say(server, 'room/bob', 2, 'bob'))[0]!.split('-')
    const topics = range(0, 9).map((n) => `room/${n}`)
    const asked = [...topics, 'room/bob']
    const stream = await openStream(server, { user: 'bob', topics: asked, lastEventId: `${epoch}-0` })
    await markers(stream, 1)
    const { topics: statuses } = markersOf(stream)[0]!
    expect(topics.map((topic) => statuses[topic])).toEqual([...Array(7).fill(410), 200, 200, 200])
    await until(() => toldOf(stream).length === 5)
  })

  test('A5 TO8 the signature of an event names its topic, and a user only where it is one user’s', async () => {
    const server = await start({ ...rooms, critical: [type] })
    const stream = await openStream(server, { topics: ['room/1'] })
    const [id] = await say(server, 'room/1', 1, 'bob')
    await server.publish('alice', [{ type, data: { n: 2 } }])
    await stream.received(2 + 1)
    const [, ofRoom, ofUser] = stream.events.map(({ data }) =>
      data.startsWith('{')
        ? {}
        : (JSON.parse(Buffer.from(data.split('.')[1]!, 'base64url').toString()) as object),
    )
    expect(ofRoom).toMatchObject({ top: 'room/1', jti: id, typ: type, data: { n: 1 } })
    expect(ofRoom).not.toHaveProperty('sub')
    expect(ofUser).toMatchObject({ top: 'user:alice', sub: 'alice' })
  })

  test('A5 others who publish all the while do not keep a signed event from being appended', async () => {
    const server = await start({ ...rooms, critical: ['novel.updated'] })
    let state: 'publishing' | 'over' = 'publishing'
    const others = range(1, 4).map(async (n) => {
      while (state === 'publishing') await say(server, `room/${n}`, n, `user-${n}`)
    })
    const signed = range(1, 20).map((n) => ({ type: 'novel.updated', data: { n } }))
    const ids: string[] = []
    for (let n = 0; n < 10; n++) ids.push(...(await server.publish('alice', signed)))
    state = 'over'
    await Promise.all(others)
    expect(new Set(ids).size).toBe(200)
  })
})
