import { expect, test } from 'vitest'
import { numbered, post, start } from '../start.ts'
import { openStream, streamsOpen } from '../stream.ts'

test('R3 R6 the third stream of a user gets 429 with Retry-After, and costs nobody a place', async () => {
  const server = await start({ limitRetryAfter: 7 })
  const first = await openStream(server)
  await openStream(server)
  const { response } = await openStream(server)
  expect(response.status).toBe(429)
  expect(response.headers.get('retry-after')).toBe('7')
  expect(await response.json()).toMatchObject({ error: 'too_many_streams' })
  expect((await openStream(server, { user: 'hatter' })).response.status).toBe(200)

  first.close()
  await streamsOpen(server, 2)
  expect((await openStream(server)).response.status).toBe(200)
  expect(server.connections()).toMatchObject({ users: { alice: 2, hatter: 1 }, refused: 1, opened: 4 })
})

test('R6 a place is free at once when its socket is cut', async () => {
  const server = await start()
  const streams = [await openStream(server), await openStream(server)]
  expect(await (await post(server, '/debug/drop', { user: 'alice' })).json()).toEqual({ dropped: 2 })
  expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(['broken', 'broken'])
  await streamsOpen(server, 0)
  expect((await openStream(server)).response.status).toBe(200)
})

test('R6 the same browser replaces its own old stream, which is ended', async () => {
  const server = await start()
  const old = await openStream(server, { client: 'browser-1' })
  await openStream(server, { client: 'browser-2' })
  const young = await openStream(server, { client: 'browser-1' })
  expect(young.response.status).toBe(200)
  expect(await old.ended).toBe('clean')
  await server.publish('alice', numbered(1))
  await young.received(1)
  expect(old.events).toEqual([])
  expect(server.connections()).toMatchObject({
    total: 2,
    replaced: 1,
    refused: 0,
    peak: { total: 2, users: { alice: 2 }, clients: { 'alice/browser-1': 1, 'alice/browser-2': 1 } },
  })
})

test('R6 another user of the same browser replaces nothing', async () => {
  const server = await start()
  await openStream(server, { user: 'alice', client: 'browser-1' })
  await openStream(server, { user: 'hatter', client: 'browser-1' })
  expect(server.connections()).toMatchObject({ total: 2, replaced: 0 })
})

test('R6 50 requests at once never open more than two streams', async () => {
  const server = await start()
  const streams = await Promise.all(Array.from({ length: 50 }, () => openStream(server)))
  expect(streams.filter(({ response }) => response.status === 200)).toHaveLength(2)
  expect(server.connections().peak.users).toEqual({ alice: 2 })
})

test('R6 a name for the browser that is no name is refused', async () => {
  const server = await start()
  const { response } = await openStream(server, { client: 'x'.repeat(65) })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: 'client_invalid' })
})
