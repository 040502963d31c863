import { until } from './turns.ts'

const encode = (data: string | Uint8Array): Uint8Array =>
  typeof data === 'string' ? new TextEncoder().encode(data) : data

/** The body of an answer, pushed by hand. */
export interface FakeBody {
  push(data: string | Uint8Array): void
  end(): void
  error(message?: string): void
  /** Chunks that nobody has read yet. */
  unread(): number
}

export interface FakeRequest {
  url: string
  init: RequestInit
  headers: Headers
  aborted(): boolean
  answer(status: number, headers?: Record<string, string>, body?: string): void
  json(value: unknown, headers?: Record<string, string>): void
  /** 200 with an event stream. */
  stream(headers?: Record<string, string>): FakeBody
  /** What `redirect: 'manual'` shows of a redirect. */
  redirect(): void
  fail(message?: string): void
}

const openBody = (signal: AbortSignal | null | undefined) => {
  let controller: ReadableStreamDefaultController<Uint8Array>
  let over = false
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given
      },
      cancel: () => {
        over = true
      },
    },
    { highWaterMark: 0 },
  )
  const finish = (run: () => void) => {
    if (over) return
    over = true
    run()
  }
  signal?.addEventListener('abort', () => finish(() => controller.error(signal.reason)))
  const body: FakeBody = {
    push: (data) => void (over || controller.enqueue(encode(data))),
    end: () => finish(() => controller.close()),
    error: (message = 'connection reset') => finish(() => controller.error(new TypeError(message))),
    unread: () => -(controller.desiredSize ?? 0),
  }
  return { stream, body }
}

/**
 * A `fetch` whose every request waits for the test to answer it.
 *
 * @param clock the server's, for the header `Date`, which every server with a clock sends (RFC 9110, 6.6.1)
 */
export const createFakeServer = (clock: () => number = Date.now) => {
  const requests: FakeRequest[] = []
  let taken = 0
  let onRequest: ((request: FakeRequest) => void) | null = null

  const fetch: typeof globalThis.fetch = (input, init = {}) =>
    new Promise((resolve, reject) => {
      const { signal } = init
      // As the real one: an illegal value throws here, in the platform's own words.
      const headers = new Headers(init.headers)
      const respond = (body: ReadableStream | string | null, status: number, given: Record<string, string>) =>
        resolve(new Response(body as BodyInit | null, { status, headers: given }))
      if (signal?.aborted) return reject(signal.reason)
      signal?.addEventListener('abort', () => reject(signal.reason))
      const request: FakeRequest = {
        url: String(input),
        init,
        headers,
        aborted: () => signal?.aborted ?? false,
        answer: (status, given = {}, body) => respond(body ?? null, status, given),
        json: (value, given = {}) =>
          respond(JSON.stringify(value), 200, {
            'content-type': 'application/json',
            date: new Date(clock()).toUTCString(),
            ...given,
          }),
        stream(given = {}) {
          const { stream, body } = openBody(signal)
          respond(stream, 200, { 'content-type': 'text/event-stream', ...given })
          return body
        },
        redirect: () =>
          resolve(
            Object.defineProperties(new Response(null), {
              type: { value: 'opaqueredirect' },
              status: { value: 0 },
              ok: { value: false },
            }),
          ),
        fail: (message = 'fetch failed') => reject(new TypeError(message)),
      }
      requests.push(request)
      onRequest?.(request)
    })

  return {
    fetch,
    requests,
    /** The next request, once it is made. */
    async next(): Promise<FakeRequest> {
      await until(() => requests.length > taken, 'another request')
      return requests[taken++]!
    },
    /** Requests that no `next` has taken yet. */
    waiting: () => requests.length - taken,
    /** Answers every request from now on as it is made. */
    handle(run: (request: FakeRequest) => void) {
      onRequest = run
    },
  }
}

export type FakeServer = ReturnType<typeof createFakeServer>

export const sse = (id: string | null, data: string, type?: string): string =>
  `${id === null ? '' : `id: ${id}\n`}${type === undefined ? '' : `event: ${type}\n`}data: ${data}\n\n`
