import { connect } from 'node:net'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { onTestFinished, vi } from 'vitest'
import type { RunningServer } from '../../demo/server/app.ts'
import { post, tokenFor } from './start.ts'

export interface StreamRequest {
  user?: string
  /** Default: a fresh SSE token of `user`. */
  token?: string
  lastEventId?: string
  client?: string
  cookie?: string
  /** More headers, as a browser or an attacker adds them. */
  headers?: Record<string, string>
  /** Topics to ask for (R7). */
  topics?: string[]
  /** Stop reading, and close, after this many events. */
  closeAfter?: number
}

/** A client that knows the format and nothing else: what the server sends is what a test sees. */
export const openStream = async (server: RunningServer, request: StreamRequest = {}) => {
  const { user = 'alice', lastEventId, client, cookie, closeAfter = Number.POSITIVE_INFINITY } = request
  const authorization = cookie
    ? {}
    : { Authorization: `Bearer ${request.token ?? (await tokenFor(server, user, 'sse'))}` }
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const query = request.topics?.map((topic) => `topic=${encodeURIComponent(topic)}`).join('&')
  const url = `${server.url}/api/v1/events/stream${query === undefined ? '' : `?${query}`}`
  const response = await fetch(url, {
    signal: abort.signal,
    headers: {
      ...authorization,
      ...(cookie ? { Cookie: cookie } : {}),
      ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
      ...(client === undefined ? {} : { 'Stream-Client': client }),
      ...request.headers,
    },
  })
  const events: EventSourceMessage[] = []
  let text = ''

  const read = async (): Promise<'clean' | 'broken' | 'closed'> => {
    const parser = createParser({
      onEvent: (event) => {
        if (events.length < closeAfter) events.push(event)
      },
    })
    try {
      const body = response.body!.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      )
      for await (const chunk of body) {
        text += chunk
        parser.feed(chunk)
        if (events.length >= closeAfter) {
          abort.abort()
          return 'closed'
        }
      }
      return 'clean'
    } catch {
      return abort.signal.aborted ? 'closed' : 'broken'
    }
  }
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false

  return {
    response,
    events,
    /** How the body ended. Pending while it lasts. */
    ended: isStream ? read() : Promise.resolve('clean' as const),
    text: () => text,
    ids: () => events.map(({ id }) => id),
    numbers: () => events.map(({ data }) => (JSON.parse(data) as { n: number }).n),
    received: (count: number) => vi.waitUntil(() => events.length >= count, { timeout: 20_000, interval: 5 }),
    close: () => abort.abort(),
  }
}

export type TestStream = Awaited<ReturnType<typeof openStream>>

export const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Long enough for a machine that is busy with something else: what holds, holds long before. */
export const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 5 })

/** Waits until the server holds exactly this many streams. */
export const streamsOpen = (server: RunningServer, count: number) =>
  vi.waitUntil(() => server.connections().total === count, { timeout: 20_000, interval: 5 })

/**
 * Publishes to a client that does not read, until the server has cut it.
 * @returns the most bytes that its stream ever held
 */
export const mostBuffered = async (server: RunningServer): Promise<number> => {
  const token = await tokenFor(server, 'alice', 'sse')
  const socket = connect(server.port, '127.0.0.1').pause()
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(
    `GET /api/v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  )
  await streamsOpen(server, 1)
  let most = 0
  const cut = vi.waitUntil(
    () => {
      const { total, streams } = server.connections()
      most = Math.max(most, streams[0]?.buffered ?? 0)
      return total === 0
    },
    { timeout: 20_000, interval: 2 },
  )
  // More than the two sockets' buffers in the kernel can take.
  for (let batch = 0; batch < 4; batch++)
    await post(server, '/debug/publish', { user: 'alice', count: 100, bytes: 50_000 })
  await cut
  return most
}
