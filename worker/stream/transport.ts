import { fetchEventSource } from '@microsoft/fetch-event-source'
import { isAnothers } from '../auth/access-token.ts'
import { isSendable, toHeaderValue } from './last-event-id.ts'
import { createParser, type Parsed } from './parser.ts'
import { streamUser } from './stream-user.ts'

export interface StreamRequest {
  url: string
  /** Whose stream it is to be; `null`: everybody's. */
  user: string | null
  headers: Record<string, string>
  credentials: RequestCredentials
  /** Refuse a redirect: a credential goes along (S6). */
  refuseRedirects: boolean
  /** No redirect leads to another origin: neither cookies nor the position are to get there (A6). */
  sameOrigin: boolean
  /** The position to resume after; `''`: none. */
  lastEventId: string
  /** The query parameter that the position goes into; `null`: the header `Last-Event-ID`. */
  lastEventIdQuery: string | null
  maxEventSize: number
  signal: AbortSignal
  fetch: typeof globalThis.fetch
  onOpen(headers: Headers): void | Promise<void>
  /** Any byte, a comment included (S3). @param parsed what they came to */
  onBytes(count: number, parsed: Parsed): void
  /**
   * What was found, if anything was. Awaited before more is read, so that a slow log slows the server down rather than filling the heap.
   *
   * @param isAll nothing more had come so far
   */
  onParsed(parsed: Parsed, isAll: boolean): void | Promise<void>
}

/** How one attempt came to its end. */
export type Outcome =
  /** The body ended, or the connection broke in the middle of it. */
  | { type: 'ended'; cause: string | null }
  /** With anything but 200 and an event stream. */
  | { type: 'answered'; status: number; contentType: string; redirected: boolean; headers: Headers }
  | { type: 'redirected' }
  /** A stream, but that of another user than the key's (A3). */
  | { type: 'anothers' }
  /** No answer at all. */
  | { type: 'unreachable'; cause: string }
  /** No byte came for `ms`. */
  | { type: 'silent'; ms: number; hasAnswered: boolean }

/** Bytes in one read behind which more is soon to come: the browser keeps no more than some times as many. */
const MUCH = 32_768

/** Whether it was settled when it was made, as a read of what is queued is (Streams, `[[PullSteps]]`). */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  // The `catch` before it takes one turn, and so does each `then`.
  for (let turns = 0; turns < 3 && !settled; turns++) await null
  return settled
}

/** Ends an attempt from within `onopen` with what it came to. */
class Ended extends Error {
  constructor(readonly outcome: Outcome) {
    super(outcome.type)
  }
}

/** What one of our own hooks threw: no fault of the network's. */
class Fault extends Error {}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * One request for the stream, to the end of its body. Knows nothing of retries.
 *
 * fetch-event-source is what the project builds on for an authenticated request: it runs the request, adds `accept`,
 * and ties `signal` to it. This file is all that it costs us, for three of its ways do not fit here. Its message
 * assembly adopts an id before the blank line, so that a cut there loses an event: the body is drained within `onopen`
 * instead. Its loop of retries knows neither S4 nor S6: `onerror` rethrows, which ends the loop. Its clean-up touches
 * `window` and `document`, which a worker lacks: the build replaces both (vite.config.ts).
 *
 * @returns how it ended; `null`: `signal` ended it
 * @throws what a hook throws
 */
export const requestStream = async (request: StreamRequest): Promise<Outcome | null> => {
  const { signal, lastEventId } = request
  if (signal.aborted) return null
  const headers = { ...request.headers }
  const url = new URL(request.url)
  if (lastEventId !== '' && isSendable(lastEventId)) {
    if (request.lastEventIdQuery !== null) url.searchParams.set(request.lastEventIdQuery, lastEventId)
    else headers['last-event-id'] = toHeaderValue(lastEventId)
  }

  try {
    new Headers(headers)
  } catch {
    // fetch would say so too, and quote the header, which holds a credential (A1).
    return { type: 'unreachable', cause: 'A header cannot be sent.' }
  }

  const drain = async (response: Response) => {
    const { status, headers, body, type, redirected } = response
    if (type === 'opaqueredirect') throw new Ended({ type: 'redirected' })
    const contentType = headers.get('content-type') ?? ''
    if (status !== 200 || body === null || !/^\s*text\/event-stream\s*(;|$)/i.test(contentType))
      throw new Ended({ type: 'answered', status, contentType, redirected, headers })

    if (isAnothers(streamUser(headers), request.user)) throw new Ended({ type: 'anothers' })

    await request.onOpen(headers)
    const parser = createParser(lastEventId, request.maxEventSize)
    const reader = body.getReader()
    for (;;) {
      const reading = reader.read().catch((error: unknown) => {
        throw new Ended({ type: 'ended', cause: words(error) })
      })
      const wasThere = await isSettled(reading)
      const { done, value } = await reading
      if (signal.aborted) return
      // An incomplete event at the end is discarded (HTML, 9.2.6), and so is its id.
      if (done) throw new Ended({ type: 'ended', cause: null })
      const parsed = parser.push(value)
      request.onBytes(value.byteLength, parsed)
      if (parsed.blocks.length > 0 || parsed.retry !== null || parsed.tooLarge > 0)
        await request.onParsed(parsed, !wasThere && value.byteLength < MUCH)
      if (signal.aborted) return
    }
  }

  try {
    await fetchEventSource(url.href, {
      method: 'GET',
      headers,
      credentials: request.credentials,
      cache: 'no-store',
      redirect: request.refuseRedirects ? 'manual' : 'follow',
      ...(request.sameOrigin ? { mode: 'same-origin' } : {}),
      signal,
      // Hidden tabs are the point: the worker serves them all, and has no visibility of its own.
      openWhenHidden: true,
      fetch: request.fetch,
      async onopen(response) {
        try {
          await drain(response)
        } catch (error) {
          throw error instanceof Ended ? error : new Fault('', { cause: error })
        }
      },
      onerror: (error) => {
        throw error
      },
    })
    return null
  } catch (error) {
    if (signal.aborted) return null
    if (error instanceof Ended) return error.outcome
    if (error instanceof Fault) throw error.cause
    return { type: 'unreachable', cause: words(error) }
  }
}
