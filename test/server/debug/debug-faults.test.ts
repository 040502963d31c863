import { connect } from 'node:net'
import { expect, test } from 'vitest'
import type { RunningServer } from '../../../demo/server/app.ts'
import { post, start, tokenFor } from '../start.ts'
import { openStream, until } from '../stream.ts'

const ask = async (server: RunningServer, path: string, body: object) => {
  const response = await post(server, `/debug/${path}`, body)
  expect(response.status).toBe(200)
  return response.json()
}

const figures = async (server: RunningServer, user = 'alice') =>
  (await fetch(`${server.url}/debug/user?user=${user}`)).json()

const publish = (server: RunningServer, count: number) =>
  server.publish(
    'alice',
    Array.from({ length: count }, (_, n) => ({ type: 'genesis.progress', data: { n: n + 1 } })),
  )

test('/debug/user tells what one user has: events, streams, refusals, bytes on the wire', async () => {
  const server = await start()
  await publish(server, 3)
  const streams = [await openStream(server, { client: 'a' }), await openStream(server, { client: 'b' })]
  await openStream(server, { client: 'c' })
  await until(async () => (await figures(server)).refused === 1)
  const before = await figures(server)
  expect(before).toMatchObject({ published: 3, connections: 2, limit: 2, clients: ['a', 'b'] })
  await publish(server, 1)
  for (const stream of streams) await stream.received(1)
  const { bytes } = await figures(server)
  const frame = streams[0]!.text().length
  expect(bytes - before.bytes).toBeGreaterThan(100)
  expect(bytes).toBeGreaterThan(2 * frame)
  for (const stream of streams) stream.close()
  await until(async () => (await figures(server)).connections === 0)
  expect((await figures(server)).bytes).toBe(bytes)
  expect(await figures(server, 'hatter')).toMatchObject({ published: 0, connections: 0, bytes: 0 })
})

test('a restart closes listener and sockets, and the same port goes on with the same log', async () => {
  const server = await start()
  const [id] = await publish(server, 1)
  const stream = await openStream(server)
  await ask(server, 'restart', { user: 'alice', milliseconds: 200, count: 2 })
  expect(await stream.ended).toBe('broken')
  const refused = await new Promise((done) => {
    const socket = connect(server.port, '127.0.0.1')
    socket
      .on('error', (error: NodeJS.ErrnoException) => done(error.code))
      .on('connect', () => done('connected'))
  })
  expect(refused).toBe('ECONNREFUSED')
  await until(async () => (await fetch(`${server.url}/healthz`).catch(() => undefined))?.status === 200)
  const again = await openStream(server, { lastEventId: id! })
  await again.received(2)
  expect(again.response.headers.get('stream-resume')).toBe('continue')
  expect(again.numbers()).toEqual([1, 2])
})

test('a server that is away by a restart closes all the same', async () => {
  const server = await start()
  await ask(server, 'restart', { user: 'alice', milliseconds: 30_000 })
  await until(async () => (await fetch(`${server.url}/healthz`).catch(() => undefined)) === undefined)
  await server.close()
})

test('a black hole closes nothing, says nothing and answers nothing, for one user, and gives all back', async () => {
  const server = await start({ pingInterval: 20 })
  const stream = await openStream(server, { client: 'a' })
  const other = await openStream(server, { user: 'hatter' })
  const { sockets } = await ask(server, 'black-hole', { user: 'alice', milliseconds: 400 })
  expect(sockets).toBe(1)
  const silentSince = stream.text()
  await publish(server, 1)
  const heard = other.text().length
  const late = openStream(server, { client: 'b' })
  await until(() => other.text().length > heard + 100)
  expect(stream.text()).toBe(silentSince)
  expect((await figures(server)).connections).toBe(1)
  await stream.received(1)
  expect((await late).response.status).toBe(200)
})

test('a client that goes while a black hole holds its request takes no place', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'sse')
  await ask(server, 'black-hole', { user: 'alice', milliseconds: 300 })
  const abort = new AbortController()
  const asked = fetch(`${server.url}/api/v1/events/stream`, {
    headers: { Authorization: `Bearer ${token}` },
    signal: abort.signal,
  })
  abort.abort()
  await expect(asked).rejects.toThrow()
  await openStream(server)
  expect((await figures(server)).connections).toBe(1)
})

test('A2 an expired token ends its stream, and opens no other; the next one does', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'sse')
  const stream = await openStream(server, { token })
  expect(await ask(server, 'expire-token', { user: 'alice' })).toEqual({ expired: 1 })
  expect(await stream.ended).toBe('clean')
  expect((await openStream(server, { token })).response.status).toBe(401)
  expect((await openStream(server)).response.status).toBe(200)
})

test('R6 other browsers of the user get the places that are left, then 429 with Retry-After', async () => {
  const server = await start()
  const own = await openStream(server, { client: 'own' })
  const { answers, connections } = await ask(server, 'other-browsers', { user: 'alice', milliseconds: 300 })
  expect(connections).toBe(2)
  expect(answers).toMatchObject([
    { status: 200, body: null },
    { status: 429, retryAfter: '5', body: { error: 'too_many_streams' } },
  ])
  await until(async () => (await figures(server)).connections === 1)
  await publish(server, 1)
  await own.received(1)
})

test('without `debug` none of this exists', async () => {
  const server = await start({ debug: false })
  for (const path of ['restart', 'black-hole', 'expire-token', 'other-browsers'])
    expect((await post(server, `/debug/${path}`, { user: 'alice' })).status).toBe(404)
  expect((await fetch(`${server.url}/debug/user?user=alice`)).status).toBe(404)
})
