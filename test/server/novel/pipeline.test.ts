import { expect, test, vi } from 'vitest'
import { isEventType } from '../../../demo/catalogue.ts'
import type { Novel } from '../../../demo/novel.ts'
import { readChapters } from '../../../demo/server/novel/story.ts'
import { post, start, tokenFor } from '../start.ts'
import { openStream } from '../stream.ts'

const running = async (server: Awaited<ReturnType<typeof start>>) => {
  const token = await tokenFor(server, 'alice', 'access')
  return {
    act: async (action: string) =>
      ((await (await post(server, '/api/v1/pipeline', { action }, token)).json()) as { state: string }).state,
    novel: async () => {
      const response = await fetch(`${server.url}/api/v1/novel`, {
        headers: { Authorization: `Bearer ${token}` },
      })
      return (await response.json()) as { novel: Novel; last_event_id: string }
    },
  }
}

test('the pipeline writes the whole novel, and the state that a page fetches is what the events add up to', async () => {
  const server = await start({ pipelineInterval: 1 })
  const { act, novel } = await running(server)
  const stream = await openStream(server)
  expect(await act('start')).toBe('running')
  await vi.waitUntil(() => stream.events.at(-1)?.event === 'workflow.completed', { timeout: 20_000 })

  expect(stream.events.every(({ event }) => isEventType(event))).toBe(true)
  const state = await novel()
  expect(state.last_event_id).toBe(stream.ids().at(-1))
  expect(state.novel).toMatchObject({ status: 'finished', workflow: 'completed', author: 'Lewis Carroll' })
  expect(state.novel.chapters.map(({ title, paragraphs }) => ({ title, paragraphs }))).toEqual(readChapters())
})

test('the pipeline stops, goes on where it was, and waits while nobody has a stream open', async () => {
  const server = await start({ pipelineInterval: 1 })
  const { act } = await running(server)
  const lastOf = async () =>
    ((await (await fetch(`${server.url}/debug/events?user=alice`)).json()) as { last: number }).last
  expect(await act('start')).toBe('running')
  expect(await act('stop')).toBe('stopped')
  // Two announcements, and no event of a novel: there was no reader.
  expect(await lastOf()).toBe(2)

  const stream = await openStream(server)
  await act('start')
  await vi.waitUntil(() => stream.events.some(({ event }) => event === 'novel.created'), { timeout: 20_000 })
  await act('stop')
  await act('start')
  await vi.waitUntil(() => stream.events.some(({ event }) => event === 'chapter.created'), {
    timeout: 20_000,
  })
  expect(stream.events.filter(({ event }) => event === 'novel.created')).toHaveLength(1)
})

test('automatic: the pipeline starts when a user opens a stream', async () => {
  const server = await start({ pipeline: 'automatic', pipelineInterval: 1 })
  const stream = await openStream(server)
  await stream.received(3)
})

test('an action that there is not is refused', async () => {
  const server = await start()
  const response = await post(
    server,
    '/api/v1/pipeline',
    { action: 'x' },
    await tokenFor(server, 'alice', 'access'),
  )
  expect(response.status).toBe(400)
})

test('a published payload that does not fit its type changes nothing', async () => {
  const server = await start()
  const { novel } = await running(server)
  await server.publish('alice', [
    { type: 'novel.created', data: { id: 'n', title: 'T', author: 'A' } },
    { type: 'chapter.created', data: { id: 'c', number: 1, title: 'One', paragraphs: 2 } },
    { type: 'chapter.updated', data: { id: 'c', paragraph: 1e9, text: 'x', words: 1 } },
    { type: 'novel.updated', data: null },
    { type: 'novel.updated', raw: 'not JSON' },
  ])
  expect((await novel()).novel).toMatchObject({ title: 'T', chapters: [{ id: 'c', paragraphs: [] }] })
})
