import { expect, test, vi } from 'vitest'
import { numbered, post, start } from '../start.ts'
import { mostBuffered, openStream, streamsOpen } from '../stream.ts'

test('R2 a comment is a sign of life on an idle stream', async () => {
  const server = await start({ pingInterval: 20 })
  const stream = await openStream(server)
  await vi.waitUntil(() => stream.text().split(': ping\n\n').length > 3, { timeout: 20_000 })
  expect(stream.events).toEqual([])
})

test('R5 a stream ends cleanly when its token expires', async () => {
  // Tokens expire on a whole second: this clock stands 200 ms before one.
  const server = await start({ sseTokenLife: 0.2, now: () => 1_800_000_000_800 })
  const stream = await openStream(server)
  const opened = performance.now()
  expect(await stream.ended).toBe('clean')
  expect(performance.now() - opened).toBeGreaterThan(100)
  await streamsOpen(server, 0)
})

test('a client that does not read is cut, and its stream holds less than 1 MiB all the while', async () => {
  const server = await start({ stallTimeout: 300 })
  const most = await mostBuffered(server)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(1024 * 1024)
})

test('closing the server ends every stream at once', async () => {
  const server = await start()
  const streams = await Promise.all([openStream(server), openStream(server, { user: 'hatter' })])
  await server.close()
  for (const { ended } of streams) expect(await ended).toBe('clean')
})

test('/debug/drop with midEvent cuts the socket half-way through the next event', async () => {
  const server = await start()
  const stream = await openStream(server)
  await server.publish('alice', numbered(1))
  await stream.received(1)
  await post(server, '/debug/drop', { midEvent: true })
  const [id] = await server.publish('alice', [{ type: 'novel.updated', data: { title: 'x'.repeat(500) } }])
  expect(await stream.ended).toBe('broken')
  expect(stream.text()).toMatch(new RegExp(`id: ${id}\\nevent: novel.updated\\ndata: {"title":"x+$`))
  const again = await openStream(server, { lastEventId: stream.ids()[0]! })
  await again.received(1)
  expect(again.ids()).toEqual([id])
})

test('/debug does not exist unless asked for', async () => {
  const server = await start({ debug: false })
  for (const path of ['/debug/connections', '/debug/requests', '/debug/events?user=alice'])
    expect((await fetch(server.url + path)).status).toBe(404)
  for (const path of ['/debug/drop', '/debug/token', '/debug/publish', '/debug/reset-counters']) {
    const response = await post(server, path, { user: 'alice' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: 'not_found' })
  }
})

test('/debug/reset-counters starts the peaks over from what is open', async () => {
  const server = await start()
  const stream = await openStream(server)
  await openStream(server)
  stream.close()
  await streamsOpen(server, 1)
  expect(server.connections().peak.users).toEqual({ alice: 2 })
  await post(server, '/debug/reset-counters')
  expect(server.connections()).toMatchObject({ opened: 0, peak: { total: 1, users: { alice: 1 } } })
})

test('HEAD opens no stream', async () => {
  const server = await start()
  const response = await fetch(`${server.url}/api/v1/events/stream`, { method: 'HEAD' })
  expect(response.status).toBe(404)
})

test('a port that is taken is an error, and the store is let go of', async () => {
  const { port } = await start()
  await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('CORS answers origins of the list, each as a whole, and nobody else', async () => {
  const server = await start({ allowedOrigins: ['https://app.example'] })
  const allowed = async (Origin: string) =>
    (await fetch(`${server.url}/api/v1/novel`, { headers: { Origin } })).headers.get(
      'access-control-allow-origin',
    )
  expect(await allowed('https://app.example')).toBe('https://app.example')
  for (const origin of ['https://evil.app.example', 'https://app.example.evil', 'http://app.example', 'null'])
    expect(await allowed(origin)).toBeNull()
})
