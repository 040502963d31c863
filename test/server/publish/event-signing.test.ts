import { randomBytes } from 'node:crypto'
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import type { RunningServer } from '../../../demo/server/app.ts'
import { openEventSigning } from '../../../demo/server/publish/event-signing.ts'
import { createPublisher } from '../../../demo/server/publish/publisher.ts'
import { openLmdbStore } from '../../../demo/server/store/lmdb-event-store.ts'
import { keyFile } from '../../../demo/server/store/signing-key-file.ts'
import { post, start, temporaryDirectory, tokenFor } from '../start.ts'
import { openStream, range } from '../stream.ts'

const critical = ['workflow.failed']
const failed = (n = 1) => ({ type: 'workflow.failed', data: { id: `w-${n}`, reason: 'no ink' } })

const jwksOf = async (server: RunningServer) =>
  (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet

const claimsOf = async (server: RunningServer, jws: string) => {
  const { payload } = await compactVerify(jws, createLocalJWKSet(await jwksOf(server)))
  return JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
}

/** All that a user has been sent, from the start of the log. */
const replay = async (server: RunningServer, count: number) => {
  const stream = await openStream(server, { lastEventId: await startOf(server), closeAfter: count })
  await stream.received(count)
  return stream.events
}

const startOf = async (server: RunningServer) => {
  const answer = await fetch(`${server.url}/debug/events?user=alice`)
  return `${((await answer.json()) as { epoch: string }).epoch}-0`
}

test('A5 a critical event is a JWS over audience, user, id, type, time and data; others are as they were', async () => {
  const server = await start({ critical, audience: 'the-app', now: () => 1_800_000_000_500 })
  const [id] = await server.publish('alice', [failed(), { type: 'workflow.completed', data: { id: 'w-1' } }])
  const [signed, plain] = await replay(server, 2)
  expect(plain!.data).toBe('{"id":"w-1"}')
  const { keys } = await jwksOf(server)
  expect(decodeProtectedHeader(signed!.data)).toEqual({
    alg: 'EdDSA',
    kid: keys[0]!.kid,
    typ: 'tabstream-event+jwt',
  })
  expect(signed!.id).toBe(id)
  expect(await claimsOf(server, signed!.data)).toEqual({
    aud: 'the-app',
    sub: 'alice',
    top: 'user:alice',
    jti: id,
    typ: 'workflow.failed',
    iat: 1_800_000_000,
    data: { id: 'w-1', reason: 'no ink' },
  })
})

test('A5 the keys that are served are public ones', async () => {
  const response = await fetch(`${(await start()).url}/.well-known/jwks.json`)
  expect(response.headers.get('cache-control')).toContain('max-age')
  const { keys } = (await response.json()) as JSONWebKeySet
  expect(keys).toHaveLength(1)
  expect(Object.keys(keys[0]!).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  expect(keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
})

test('A5 after a rotation another key signs, and what the old one has signed can still be verified', async () => {
  let now = 1_800_000_000_000
  const server = await start({ critical, signingKeyRetention: 100, now: () => now })
  await server.publish('alice', [failed(1)])
  const { kid } = (await (await post(server, '/debug/rotate-keys')).json()) as { kid: string }
  await server.publish('alice', [failed(2)])
  const [old, young] = await replay(server, 2)
  const kids = (await jwksOf(server)).keys.map((key) => key.kid)
  expect(kids).toEqual([kid, decodeProtectedHeader(old!.data).kid])
  expect(decodeProtectedHeader(young!.data).kid).toBe(kid)
  expect(await claimsOf(server, old!.data)).toMatchObject({ data: { id: 'w-1' } })
  expect(await claimsOf(server, young!.data)).toMatchObject({ data: { id: 'w-2' } })
  now += 101_000
  expect((await jwksOf(server)).keys.map((key) => key.kid)).toEqual([kid])
  await expect(claimsOf(server, old!.data)).rejects.toThrow()
})

test('A5 keys survive a restart, retired ones too', async () => {
  const dataDir = temporaryDirectory()
  const before = await start({ dataDir, critical })
  await before.publish('alice', [failed()])
  await before.rotateKeys()
  const served = await jwksOf(before)
  await before.close()
  const after = await start({ dataDir, critical })
  expect(await jwksOf(after)).toEqual(served)
  const [event] = await replay(after, 1)
  expect(await claimsOf(after, event!.data)).toMatchObject({ sub: 'alice' })
})

test('A5 many publish at once: each signature names the id that its event got', async () => {
  const server = await start({ critical })
  await Promise.all(
    range(1, 40).map((n) =>
      server.publish('alice', n % 2 ? [failed(n), failed(n)] : [{ type: 'x', data: n }]),
    ),
  )
  const events = await replay(server, 60)
  const signed = events.filter(({ event }) => event === 'workflow.failed')
  expect(signed).toHaveLength(40)
  for (const { id, data } of signed) expect(await claimsOf(server, data)).toMatchObject({ jti: id })
})

/** Publishers in as many processes, so to speak: they share a store and nothing else. */
const publishers = async (count: number) => {
  const dataDir = temporaryDirectory()
  const retention = { events: 1_000, bytesPerAccount: 1e9, eventsPerAccount: 1_000, topicsPerAccount: 10 }
  const store = openLmdbStore({ dataDir, retention, random: randomBytes })
  onTestFinished(() => store.close())
  const signing = await openEventSigning({
    storage: keyFile(dataDir),
    audience: 'a',
    retention: 1,
    now: Date.now,
  })
  let signatures = 0
  const counted = {
    ...signing,
    sign: (event: Parameters<typeof signing.sign>[0]) => {
      signatures += 1
      return signing.sign(event)
    },
  }
  const publish = range(1, count).map(() => createPublisher({ store, signing: counted, critical }))
  return { store, publish, signatures: () => signatures }
}

test('A5 a signature whose id another process took meanwhile is made again', async () => {
  const { store, publish, signatures } = await publishers(4)
  await Promise.all(range(1, 40).map((n) => publish[n % 4]!('alice', [failed(n)])))
  const places = [{ topic: 'user:alice', after: null }]
  const { events } = await store.read(places, { events: 100, characters: 1e6 })
  expect(events).toHaveLength(40)
  for (const { id, data } of events)
    expect(JSON.parse(Buffer.from(data.split('.')[1]!, 'base64url').toString())).toMatchObject({ jti: id })
  expect(signatures()).toBeGreaterThan(40)
})

test('A5 in one process nothing is signed twice, however many publish at once', async () => {
  const { publish, signatures } = await publishers(1)
  await Promise.all(range(1, 50).map((n) => publish[0]!('alice', [failed(n)])))
  expect(signatures()).toBe(50)
})

test('A5 a user publishes critical events as any, and the state of the novel is made of what was signed', async () => {
  const server = await start({ critical: ['novel.created', 'novel.updated'] })
  const token = await tokenFor(server, 'alice', 'access')
  const created = { type: 'novel.created', data: { id: 'n', title: 'Alice', author: 'Carroll' } }
  expect((await post(server, '/api/v1/events', created, token)).status).toBe(201)
  const answer = await fetch(`${server.url}/api/v1/novel`, { headers: { Authorization: `Bearer ${token}` } })
  expect(await answer.json()).toMatchObject({ novel: { title: 'Alice' } })
})

test('/debug/publish sends something raw as it is, so that forgeries can be sent', async () => {
  const server = await start({ critical })
  await server.publish('alice', [{ type: 'workflow.failed', raw: 'a.b.c' }])
  expect((await replay(server, 1))[0]!.data).toBe('a.b.c')
})
