import { expect, test } from 'vitest'
import { post, start, tokenFor } from '../server/start.ts'
import { openStream } from '../server/stream.ts'

const exchange = '/api/v1/auth/sse-token'

/**
 * A client whose log-in is another user's by now (a second tab has logged in, and browsers share their cookies) must be
 * able to tell before it takes an event.
 */
test.each(['cookie', 'header'])('A3 R5 the exchange says whose token it gives, in %s mode', async (mode) => {
  const server = await start({ sseTokenLife: 120 })
  const answer = await post(server, exchange, { mode }, await tokenFor(server, 'alice', 'access'))
  const body = (await answer.json()) as { user: string; expires_at: string; expires_in: number }
  expect(body).toMatchObject({ user: 'alice', expires_in: 120 })
  expect(Math.abs(Date.parse(body.expires_at) - Date.now() - 120_000)).toBeLessThan(10_000)
})

test.each([
  ['alice', 'alice'],
  ['Ünïcode@beispiel.de', '%C3%9Cn%C3%AFcode%40beispiel.de'],
])('A3 R4 a stream says whose it is before its first event: %j', async (user, header) => {
  const server = await start()
  const token = await tokenFor(server, user, 'sse')
  const stream = await openStream(server, { token })
  expect(stream.response.headers.get('stream-user')).toBe(header)
})

test.each(['x\ud800', 'two\r\nlines', '', 'x'.repeat(300)])('A3 nobody is called %j', async (user) => {
  const server = await start()
  for (const path of ['token', 'revoke', 'publish', 'restart'])
    expect((await post(server, `/debug/${path}`, { user, kind: 'sse' })).status).toBe(400)
})

test('A3 R4 another origin can read what the library needs of an answer', async () => {
  const app = 'https://app.example'
  const server = await start({ allowedOrigins: [app] })
  const stream = await openStream(server, { headers: { Origin: app } })
  expect(stream.response.headers.get('access-control-expose-headers')?.split(', ').toSorted()).toEqual([
    'Date',
    'Retry-After',
    'Stream-Resume',
    'Stream-Topics',
    'Stream-User',
  ])
  expect(stream.response.headers.get('date')).not.toBeNull()
  const preflight = await fetch(`${server.url}/api/v1/events/stream`, {
    method: 'OPTIONS',
    headers: {
      Origin: app,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,last-event-id,stream-client',
    },
  })
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Last-Event-ID')
})
