import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../redis.ts'
import { numbered, post, start, tokenFor } from '../server/start.ts'
import { openStream, range, streamsOpen, until } from '../server/stream.ts'
import { leastOf } from './least-of.ts'

/** What one user, with a valid token, may take of a server that is all users'. */

const publishPath = '/api/v1/events'
const tokenSecret = 'a secret of 32 characters or more'

const publish = (
  server: Awaited<ReturnType<typeof start>>,
  token: string,
  body: string,
  headers: Record<string, string> = {},
) =>
  fetch(server.url + publishPath, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, ...headers },
    body,
  })

test('N10 a user keeps so many bytes, of which the oldest go, and another user keeps all', async () => {
  const server = await start({ bytesPerUser: 200_000 })
  await server.publish('hatter', numbered(1))
  const token = await tokenFor(server, 'alice', 'access')
  const event = JSON.stringify({ type: 'novel.updated', data: 'x'.repeat(60_000) })
  for (let n = 0; n < 10; n++) expect((await publish(server, token, event)).status).toBe(201)
  const idsOf = async (user: string) =>
    ((await (await fetch(`${server.url}/debug/events?user=${user}`)).json()) as { ids: string[] }).ids
  expect(await idsOf('alice')).toHaveLength(3)
  expect(await idsOf('hatter')).toHaveLength(1)
})

test('N10 a user publishes so often a minute, and another user as if nothing were', async () => {
  const server = await start({ publishesPerUser: 5 })
  const token = await tokenFor(server, 'alice', 'access')
  const event = JSON.stringify(numbered(1)[0])
  for (let n = 0; n < 5; n++) expect((await publish(server, token, event)).status).toBe(201)
  const refused = await publish(server, token, event)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  // The pipeline publishes too.
  expect((await post(server, '/api/v1/pipeline', { action: 'start' }, token)).status).toBe(429)
  expect((await publish(server, await tokenFor(server, 'hatter', 'access'), event)).status).toBe(201)
})

test('N10 a user opens so many streams a minute, also where each ends at once', async () => {
  const server = await start({ opensPerUser: 10 })
  const statuses: number[] = []
  for (let n = 0; n < 12; n++) {
    const stream = await openStream(server, { client: 'one' })
    statuses.push(stream.response.status)
    stream.close()
  }
  expect(statuses).toEqual([...Array(10).fill(200), 429, 429])
  expect((await openStream(server, { user: 'hatter' })).response.status).toBe(200)
})

test.each([
  ['a line feed', 'x\ndata: forged\n\n'],
  ['a carriage return', 'x\rid: forged'],
  ['NUL', 'x\0'],
  ['half a surrogate pair', 'x\ud800'],
  ['no character', ''],
  ['257 characters', 'x'.repeat(257)],
])('N10 a type with %s gets into no stream, however it is published', async (_, type) => {
  const server = await start()
  const stream = await openStream(server)
  const token = await tokenFor(server, 'alice', 'access')
  expect((await publish(server, token, JSON.stringify({ type, data: 1 }))).status).toBe(400)
  const debug = await post(server, '/debug/publish', { user: 'alice', events: [{ type, data: 1 }] })
  expect(debug.status).toBe(400)
  await expect(server.publish('alice', [{ type, data: 1 }])).rejects.toMatchObject({ statusCode: 400 })
  await expect(server.publish('alice', [{ type: 'x', owner: type, data: 1 }])).rejects.toMatchObject({
    statusCode: 400,
  })
  await server.publish('alice', numbered(1))
  await stream.received(1)
  expect(stream.events).toHaveLength(1)
  expect(stream.text()).not.toContain('forged')
})

test('N4 a name that is used again with other events is 422, and the same again is the same answer', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'access')
  const send = async (count: number) => {
    const response = await publish(server, token, JSON.stringify(numbered(count)), {
      'Idempotency-Key': 'one',
    })
    return { status: response.status, body: (await response.json()) as { ids?: string[]; error?: string } }
  }
  const first = await send(1)
  expect(await send(1)).toEqual(first)
  expect(await send(3)).toMatchObject({ status: 422, body: { error: 'idempotency_key_reused' } })
  expect((await fetch(`${server.url}/debug/events?user=alice`)).status).toBe(200)
})

test.each([
  ['arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
  ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['arrays that do not end', '['.repeat(3_000_000)],
])('N10 %s, a hundred thousand deep, are 400', async (_, data) => {
  const server = await start({ maxPayload: 1_000_000 })
  const token = await tokenFor(server, 'alice', 'access')
  const response = await publish(server, token, `{"type":"novel.updated","data":${data}}`)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: 'too_deep' })
})

test('N10 a payload of many levels is 400 by /debug/publish too', async () => {
  const server = await start()
  const body = `{"user":"alice","events":[{"type":"x","data":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${server.url}/debug/publish`, { method: 'POST', headers, body })
  expect(response.status).toBe(400)
})

const novelOf = async (server: Awaited<ReturnType<typeof start>>, token: string) => {
  const response = await fetch(`${server.url}/api/v1/novel`, {
    headers: { Authorization: `Bearer ${token}` },
  })
  return { response, text: await response.text() }
}

test('N10 the state of 10,000 tasks is told in a time that grows as their number does, and is bounded', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'access')
  const task = (n: number) => ({
    type: 'task.progress_updated',
    data: { id: `task-${n}`, label: 'x'.repeat(100), percent: 1 },
  })
  const publishTasks = async (from: number, to: number) => {
    for (let n = from; n <= to; n += 1_000) await server.publish('alice', range(n, n + 999).map(task))
  }
  const timeOfState = async () => {
    const started = performance.now()
    const { response, text } = await novelOf(server, token)
    expect(response.status).toBe(200)
    const { novel } = JSON.parse(text) as { novel: { tasks: unknown[]; chapters: unknown[] } }
    expect(novel.tasks.length).toBeLessThanOrEqual(200)
    return performance.now() - started
  }
  await publishTasks(1, 1_000)
  const small = await leastOf(3, timeOfState)
  await publishTasks(1_001, 10_000)
  // Ten times the events. Squared it would be a hundred times the time.
  const bound = small * 30 + 500
  expect(await leastOf(5, timeOfState, bound)).toBeLessThan(bound)
}, 120_000)

test('N10 the state is told so often a minute', async () => {
  const server = await start({ statesPerUser: 3 })
  const token = await tokenFor(server, 'alice', 'access')
  const statuses: number[] = []
  for (let n = 0; n < 5; n++) statuses.push((await novelOf(server, token)).response.status)
  expect(statuses).toEqual([200, 200, 200, 429, 429])
})

test('N5 a Redis that is full: streams go on, who comes is told to come again, and /readyz says no', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const server = await start({ redisUrl: redis.url, tokenSecret, leaseLife: 2_500, pingInterval: 100 })
  const token = await tokenFor(server, 'alice', 'access')
  const sse = await tokenFor(server, 'alice', 'sse')
  const stream = await openStream(server, { token: sse })
  await server.publish('alice', numbered(1))
  await stream.received(1)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)

  await redis.ask('CONFIG', 'SET', 'maxmemory', '1mb')
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  const refusals = [
    await publish(server, token, JSON.stringify(numbered(1))),
    (await openStream(server, { token: sse })).response,
  ]
  for (const { status, headers } of refusals) {
    expect(status).toBe(503)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  // Longer than a lease lives: it is renewed all the same, or its end would be the stream's.
  const pings = () => stream.text().split(': ping').length
  const [before, since] = [pings(), Date.now()]
  await until(() => Date.now() - since > 4_000 && pings() > before + 20)
  await streamsOpen(server, 1)

  await redis.ask('CONFIG', 'SET', 'maxmemory', '0')
  await until(async () => (await fetch(`${server.url}/readyz`)).status === 200)
  await server.publish('alice', numbered(1, 2))
  await stream.received(2)
  expect(stream.numbers()).toEqual([1, 2])
})
