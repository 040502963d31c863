import { expect, test } from 'vitest'
import { numbered, start, temporaryDirectory } from '../start.ts'
import { openStream, range } from '../stream.ts'

test('R1 a stream without Last-Event-ID starts now', async () => {
  const server = await start()
  await server.publish('alice', numbered(5))
  const stream = await openStream(server)
  await server.publish('alice', numbered(2, 6))
  await stream.received(2)
  expect(stream.numbers()).toEqual([6, 7])
  expect(stream.response.headers.get('stream-resume')).toBeNull()
})

test('R1 Last-Event-ID replays what came after it, then goes on live', async () => {
  const server = await start()
  const ids = await server.publish('alice', numbered(5))
  const stream = await openStream(server, { lastEventId: ids[1]! })
  await stream.received(3)
  await server.publish('alice', numbered(1, 6))
  await stream.received(4)
  expect(stream.numbers()).toEqual([3, 4, 5, 6])
  expect(stream.ids().slice(0, 3)).toEqual(ids.slice(2))
})

test('R1 a client that was cut before its first event resumes from the position of its opening', async () => {
  const server = await start()
  await server.publish('alice', numbered(3))
  const stream = await openStream(server)
  await server.publish('alice', numbered(1, 4))
  await stream.received(1)
  const [, position] = /^: open\n\nid: (\S+)\n\n/.exec(stream.text()) ?? []
  const again = await openStream(server, { lastEventId: position! })
  await again.received(1)
  expect(again.numbers()).toEqual([4])
  expect(again.response.headers.get('stream-resume')).toBe('continue')
})

test('R1 a long history arrives whole and in order', async () => {
  const server = await start()
  const events = numbered(5000).map(({ type, data }) => ({ type, data: { ...data, text: 'é'.repeat(300) } }))
  const [first] = await server.publish('alice', events)
  const stream = await openStream(server, { lastEventId: first! })
  await stream.received(4999)
  expect(stream.numbers()).toEqual(range(2, 5000))
})

test('R1 events survive a restart of the server, and ids go on counting', async () => {
  const dataDir = temporaryDirectory()
  const before = await start({ dataDir })
  const ids = await before.publish('alice', numbered(3))
  const cut = await openStream(before, { lastEventId: ids[2]! })
  await before.close()
  expect(await cut.ended).not.toBe('closed')

  const after = await start({ dataDir, port: before.port })
  await after.publish('alice', numbered(1, 4))
  const stream = await openStream(after, { lastEventId: ids[0]! })
  await stream.received(3)
  expect(stream.numbers()).toEqual([2, 3, 4])
  expect(stream.response.headers.get('stream-resume')).toBe('continue')
})

test('R1 ids are ASCII and at most 64 bytes', async () => {
  const server = await start()
  const ids = await server.publish('alice', numbered(2))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-\d+$/)
})

test('A3 users have logs of their own', async () => {
  const server = await start()
  const alice = await openStream(server, { user: 'alice' })
  const hatter = await openStream(server, { user: 'hatter' })
  await server.publish('alice', numbered(1, 1))
  await server.publish('hatter', numbered(1, 2))
  await Promise.all([alice.received(1), hatter.received(1)])
  expect(alice.numbers()).toEqual([1])
  expect(hatter.numbers()).toEqual([2])
})

test('a payload of several lines arrives as it was', async () => {
  const server = await start()
  const stream = await openStream(server)
  await server.publish('alice', [{ type: 'novel.updated', raw: 'one\ntwo\r\n\nfour' }])
  await stream.received(1)
  expect(stream.events[0]).toMatchObject({ event: 'novel.updated', data: 'one\ntwo\n\nfour' })
})

test('the head of the answer keeps caches and proxies from holding the stream back', async () => {
  const server = await start()
  const { headers } = (await openStream(server)).response
  expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-cache, no-transform')
  expect(headers.get('x-accel-buffering')).toBe('no')
})
