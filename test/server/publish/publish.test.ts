import { expect, test } from 'vitest'
import { post, start, tokenFor } from '../start.ts'
import { openStream } from '../stream.ts'

const path = '/api/v1/events'

test('one event or an array: published for the logged-in user, answered with ids', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'access')
  const stream = await openStream(server)
  const one = await post(
    server,
    path,
    { type: 'novel.updated', data: { id: 'n', title: 'Ünïcode\n' } },
    token,
  )
  expect(one.status).toBe(201)
  const many = await post(server, path, Array(3).fill({ type: 'workflow.failed', data: null }), token)
  const ids = [one, many].map((response) => response.json() as Promise<{ ids: string[] }>)
  await stream.received(4)
  expect(stream.ids()).toEqual((await Promise.all(ids)).flatMap(({ ids }) => ids))
  expect(stream.events[0]).toMatchObject({
    event: 'novel.updated',
    data: '{"id":"n","title":"Ünïcode\\n"}',
  })
})

test.each([
  ['a type that is not in the catalogue', { type: 'message', data: {} }, 400, 'type_unknown'],
  ['an inherited name as type', { type: 'toString', data: {} }, 400, 'type_unknown'],
  ['no data', { type: 'novel.updated' }, 400, 'data_missing'],
  ['an empty array', [], 400, 'events_count'],
  ['too many', Array(1001).fill({ type: 'novel.updated', data: 1 }), 400, 'events_count'],
  [
    'a payload that is too large',
    { type: 'novel.updated', data: 'x'.repeat(70_000) },
    413,
    'event_too_large',
  ],
  ['one bad event among good ones', [{ type: 'novel.updated', data: 1 }, 'x'], 400, 'type_unknown'],
])('refused: %s', async (_, body, status, error) => {
  const server = await start()
  const response = await post(server, path, body, await tokenFor(server, 'alice', 'access'))
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error })
  const { ids } = (await (await fetch(`${server.url}/debug/events?user=alice`)).json()) as { ids: string[] }
  expect(ids).toEqual([])
})

test('broken JSON gets an answer in the shape of every error', async () => {
  const server = await start()
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${await tokenFor(server, 'alice', 'access')}`,
    },
    body: '{"type":',
  })
  expect(response.status).toBe(400)
  expect(Object.keys((await response.json()) as object)).toEqual(['error', 'message'])
})
