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
  /** Whether a `: topic` line names the topic of its block (R7). */
  hasTopics: boolean
  signal: AbortSignal
  fetch: typeof globalThis.fetch
  onOpen(headers: Headers): void | Promise<void>
  /** Bytes came, perhaps of a comment only (S3). @param parsed what the parser made of them */
  onBytes(count: number, parsed: Parsed): void
  /**
   * The parser found something. The hook is awaited before more is read, so that a slow log slows the server down, and
   * does not fill the heap.
   *
   * @param isAll whether the browser has nothing more to read for now
   */
  onParsed(parsed: Parsed, isAll: boolean): void | Promise<void>
}

/** How one attempt came to its end. */
export type Outcome =
  /** The body ended, or the connection broke in the middle of it. */
  | { type: 'ended'; cause: string | null }
  /** The server answered with anything but 200 and an event stream. */
  | { type: 'answered'; status: number; contentType: string; redirected: boolean; headers: Headers }
  | { type: 'redirected' }
  /** The server opened a stream, but that of another user than the key's (A3). */
  | { type: 'anothers' }
  /** No answer came at all. */
  | { type: 'unreachable'; cause: string }
  /** No byte came for `ms`. */
  | { type: 'silent'; ms: number; hasAnswered: boolean }

/** A read of this many bytes means that more is about to come: the browser buffers only a few times as many. */
const MUCH = 32_768

/** Whether a promise was settled from the start, as a read of queued bytes is (Streams, `[[PullSteps]]`). */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  // The caller's `catch` takes one turn of microtasks, and each `then` takes another.
  for (let turns = 0; turns < 3 && !settled; turns++) await null
  return settled
}

/** Ends an attempt from within `onopen`, with its outcome. */
class Ended extends Error {
  constructor(readonly outcome: Outcome) {
    super(outcome.type)
  }
}

/** Carries what one of our own hooks threw, so that it does not pass for a fault of the network. */
class Fault extends Error {}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * One request for the stream, to the end of its body. This file knows nothing of retries.
 *
 * fetch-event-source is what the project builds on for an authenticated request: it runs the request, adds `accept`,
 * and ties `signal` to it. Three of its ways do not fit, and this file alone deals with them:
 *
 * - Its parser adopts an id before the blank line, so that a cut there loses an event. So `onopen` drains the body.
 * - Its loop of retries knows neither S4 nor S6. So `onerror` rethrows, which ends the loop.
 * - Its clean-up touches `window` and `document`, which a worker lacks. The build replaces both (vite.config.ts).
 *
 * Over 80 lines: `drain` and the hooks of fetch-event-source end in one outcome.
 *
 * @returns how the request ended; `null`: `signal` ended it
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
    // fetch would throw as well, but quote the header, which holds a credential (A1).
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
    const parser = createParser(lastEventId, request.maxEventSize, request.hasTopics)
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
      // The worker serves hidden tabs as well, and has no visibility of its own.
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
