import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:http2'
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { numbered, post, start, temporaryDirectory, tokenFor } from '../start.ts'
import { openStream, range, streamsOpen, until } from '../stream.ts'

const streamPath = '/api/v1/events/stream'

test('/healthz and /readyz answer, and /readyz says no while the node drains', async () => {
  const server = await start({ drainDelay: 300 })
  const stream = await openStream(server)
  for (const path of ['/healthz', '/readyz']) expect((await fetch(server.url + path)).status).toBe(200)
  const closed = server.close()
  await until(async () => (await fetch(`${server.url}/readyz`)).status === 503)
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  await closed
  expect(await stream.ended).toBe('clean')
})

test('S4 streams of a node that goes are told to come back, with few streams within a second', async () => {
  const server = await start({ streamsPerUser: 50 })
  const streams = [await openStream(server), await openStream(server, { client: 'a-browser' })]
  await server.close()
  for (const { ended } of streams) expect(await ended).toBe('clean')
  expect(streams[0]!.text()).toMatch(/\n\nretry: ([5-9]\d\d|1000)\n\n$/)
  expect(streams[1]!.text()).toMatch(/\n\nretry: 1000\n\n$/)
})

test('S4 with many streams they are told to come back over a longer time, each stream another', async () => {
  const server = await start({ streamsPerUser: 50, reconnectsPerSecond: 2, pingInterval: 60_000 })
  const token = await tokenFor(server, 'alice', 'sse')
  const streams = await Promise.all(range(1, 20).map(() => openStream(server, { token })))
  const named = await openStream(server, { token, client: 'a-browser' })
  await server.close()
  await Promise.all([...streams, named].map(({ ended }) => ended))
  const last = ({ text }: { text: () => string }) => Number(/retry: (\d+)\n\n$/.exec(text())?.[1])
  expect(last(named)).toBe(10_500)
  const waits = streams.map(last)
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(5_250)
    expect(wait).toBeLessThanOrEqual(10_500)
  }
  expect(new Set(waits).size).toBeGreaterThan(10)
})

test('S4 a stream hears of a longer wait with a ping, before anything happens; one that resumes at once', async () => {
  const server = await start({ streamsPerUser: 50, reconnectsPerSecond: 2, pingInterval: 50 })
  const [id] = await server.publish('alice', numbered(1))
  const first = await openStream(server, { client: 'first' })
  await first.received(0)
  expect(first.text()).not.toContain('retry')
  for (let n = 0; n < 9; n++) await openStream(server, { client: `client-${n}` })
  // Not with each stream that comes: with each quarter more.
  await until(() => /retry: (4\d{3}|5000)\n\n$/.test(first.text().replaceAll(': ping\n\n', '')))
  const again = await openStream(server, { client: 'again', lastEventId: id! })
  await until(() => again.text().includes('retry: 5500\n\n'))
})

test('metrics count streams, events, replays, refusals and lag, and name nobody', async () => {
  const server = await start()
  const ids = await server.publish('alice', numbered(3))
  const stream = await openStream(server, { lastEventId: ids[0]! })
  await stream.received(2)
  await openStream(server, { lastEventId: 'nonsense' })
  await server.publish('alice', numbered(1, 4))
  await stream.received(3)
  await openStream(server)
  await openStream(server, { token: 'x' })
  const read = async () => (await fetch(`${server.url}/metrics`)).text()
  await until(async () => (await read()).includes('token_invalid'))
  const text = await read()
  for (const line of [
    'tabstream_streams 2',
    'tabstream_ready 1',
    'tabstream_streams_opened_total{resume="continue"} 1',
    'tabstream_streams_opened_total{resume="reset"} 1',
    'tabstream_resets_total{reason="unknown"} 1',
    'tabstream_events_published_total 4',
    'tabstream_events_sent_total{kind="replay"} 2',
    'tabstream_events_sent_total{kind="live"} 2',
    'tabstream_refusals_total{status="429",reason="too_many_streams"} 1',
    'tabstream_refusals_total{status="401",reason="token_invalid"} 1',
    'tabstream_event_lag_seconds_count 2',
  ])
    expect(text.split('\n')).toContain(line)
  expect(text).not.toContain('alice')
  stream.close()
  await streamsOpen(server, 1)
  expect(await read()).toContain('tabstream_streams_ended_total{reason="client-closed"} 1')
})

test('A1 log lines are JSON, and hold no token, cookie or password, whatever happens', async () => {
  const lines: string[] = []
  const server = await start({ logger: { write: (line) => void lines.push(line) } })
  const token = await tokenFor(server, 'alice', 'sse')
  const secrets = [token.split('.')[2]!, 'rabbit-hole', 'canary']
  await openStream(server, { token, headers: { Cookie: 'a=canary' } })
  await fetch(`${server.url}${streamPath}?token=canary-${token}`)
  const login = await post(server, '/api/v1/auth/login', { user: 'alice', password: 'rabbit-hole' })
  secrets.push(((await login.json()) as { access_token: string }).access_token.split('.')[2]!)
  await post(server, '/api/v1/auth/login', { user: 'alice', password: 'canary' })
  await fetch(`${server.url}/nowhere?x=canary`, { headers: { Authorization: 'Bearer canary' } })
  await until(() => lines.some((line) => line.includes('/nowhere')))
  const objects = lines.map((line) => JSON.parse(line) as { msg: string; req?: { url: string } })
  expect(objects.map(({ req }) => req?.url)).toContain(`${streamPath}?token=...`)
  for (const secret of secrets) expect(lines.join('')).not.toContain(secret)
})

/** A client of HTTP/2 that takes the certificate that was just made. */
const overHttp2 = async (server: { url: string }) => {
  const session = connect(server.url, { rejectUnauthorized: false })
  onTestFinished(() => session.destroy())
  await once(session, 'connect')
  return {
    protocol: session.alpnProtocol,
    open: async (headers: Record<string, string>) => {
      const stream = session.request({ ':path': streamPath, ...headers })
      let text = ''
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      const ended = new Promise<string>((done) => {
        stream.on('error', () => done('broken'))
        stream.on('close', () => done(stream.rstCode === 0 ? 'clean' : 'broken'))
      })
      const [head] = (await once(stream, 'response')) as [Record<string, string | number>]
      return { head, stream, ended, text: () => text }
    },
  }
}

const tlsServer = (options = {}) => start({ tls: true, debug: false, ...options })

/** `fetch` takes no certificate of its own making: tokens come from a server beside it, with the same secret. */
const withTokens = async () => {
  const tokenSecret = 'a secret of 32 characters or more'
  const server = await tlsServer({ tokenSecret, streamsPerUser: 120, stallTimeout: 1_500 })
  const token = await tokenFor(await start({ tokenSecret }), 'alice', 'sse')
  return { server, headers: { authorization: `Bearer ${token}` } }
}

test('HTTP/2 over TLS: 100 streams over one connection, each with every event, and the contract’s headers', async () => {
  const { server, headers } = await withTokens()
  expect(server.url).toMatch(/^https:/)
  const client = await overHttp2(server)
  expect(client.protocol).toBe('h2')
  const streams = await Promise.all(range(1, 100).map(() => client.open(headers)))
  expect(streams[0]!.head).toMatchObject({
    ':status': 200,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  await server.publish('alice', numbered(50))
  await until(() => streams.every(({ text }) => text().split('\ndata: ').length === 51))
  const id = [...streams[0]!.text().matchAll(/^id: (\S+)$/gm)].at(10)![1]!
  const again = await client.open({ ...headers, 'last-event-id': id })
  expect(again.head['stream-resume']).toBe('continue')
  await until(() => again.text().split('\ndata: ').length === 41)
})

test('HTTP/2: a place is free when the stream is reset, a client that does not read is cut, a close is clean', async () => {
  const { server, headers } = await withTokens()
  const client = await overHttp2(server)
  const [gone, slow, whole] = [
    await client.open(headers),
    await client.open(headers),
    await client.open(headers),
  ]
  gone.stream.close()
  await streamsOpen(server, 2)
  slow.stream.pause()
  await server.publish(
    'alice',
    range(1, 100).map((n) => ({ type: 'x', data: { n, padding: 'x'.repeat(20_000) } })),
  )
  await streamsOpen(server, 1)
  await until(() => whole.text().split('\ndata: ').length === 101)
  slow.stream.resume()
  expect(await slow.ended).toBe('broken')
  await server.close()
  expect(await whole.ended).toBe('clean')
})

test('TLS without HTTP/2: HTTP/1.1 by the same port, and the certificate is kept', async () => {
  const dataDir = temporaryDirectory()
  const server = await tlsServer({ dataDir })
  const fingerprint = async (url: string) => {
    const sent = request(`${url}/healthz`, { rejectUnauthorized: false })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage & { socket: TLSSocket }]
    expect(response.httpVersion).toBe('1.1')
    expect(response.statusCode).toBe(200)
    const { fingerprint256, subjectaltname } = response.socket.getPeerCertificate()
    response.resume()
    expect(subjectaltname).toContain('IP Address:127.0.0.1')
    return fingerprint256
  }
  const first = await fingerprint(server.url)
  await server.close()
  expect(await fingerprint((await tlsServer({ dataDir })).url)).toBe(first)
})
