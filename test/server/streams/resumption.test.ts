import { expect, test } from 'vitest'
import { numbered, start } from '../start.ts'
import { openStream } from '../stream.ts'

const resume = async (lastEventId: string, server: Awaited<ReturnType<typeof start>>) =>
  (await openStream(server, { lastEventId })).response.headers.get('stream-resume')

test('R4 continue where everything after the id is still there', async () => {
  const server = await start({ retention: 10, streamsPerUser: 9 })
  const ids = await server.publish('alice', numbered(20))
  expect(await resume(ids[19]!, server)).toBe('continue')
  expect(await resume(ids[10]!, server)).toBe('continue')
  // The oldest kept is the eleventh: behind the tenth, which is trimmed itself, nothing is missing.
  expect(await resume(ids[9]!, server)).toBe('continue')
})

test('R4 reset where events after the id were trimmed', async () => {
  const server = await start({ retention: 10 })
  const ids = await server.publish('alice', numbered(20))
  expect(await resume(ids[8]!, server)).toBe('reset')
})

test('R4 reset for the id of another store', async () => {
  const [server, other] = [await start(), await start()]
  await server.publish('alice', numbered(3))
  const ids = await other.publish('alice', numbered(3))
  expect(await resume(ids[1]!, server)).toBe('reset')
})

test('R4 reset for an id that the server has not reached', async () => {
  const server = await start()
  const [id] = await server.publish('alice', numbered(1))
  expect(await resume(id!.replace(/-1$/, '-2'), server)).toBe('reset')
})

test.each(['nonsense', '12', 'zzzzzzzz-1', '-', '00000000-01', '00000000-1e3', `00000000-${'9'.repeat(60)}`])(
  'R4 reset for the malformed id %s',
  async (id) => {
    expect(await resume(id, await start())).toBe('reset')
  },
)

test('R4 after a reset the stream starts now, and its position is good for the next time', async () => {
  const server = await start()
  await server.publish('alice', numbered(3))
  const stream = await openStream(server, { lastEventId: 'nonsense' })
  await server.publish('alice', numbered(1, 4))
  await stream.received(1)
  expect(stream.numbers()).toEqual([4])
  const [, position] = /^id: (\S+)\n\n/m.exec(stream.text()) ?? []
  expect(await resume(position!, server)).toBe('continue')
})

test('R4 a client that trimming overtakes is ended, and told when it comes back', async () => {
  const server = await start({ retention: 10 })
  const [id] = await server.publish('alice', numbered(1))
  const stream = await openStream(server, { lastEventId: id! })
  await server.publish('alice', numbered(100, 2))
  expect(await stream.ended).toBe('clean')
  expect(stream.events).toEqual([])
  expect(await resume(id!, server)).toBe('reset')
})
