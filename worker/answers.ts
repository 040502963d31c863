import type { ErrorKind } from '../src/protocol.ts'
import { parseRetryAfter } from './backoff.ts'
import type { Outcome } from './transport.ts'

/** What the end of an attempt means for the stream's life. */
export interface Verdict {
  next: /** Time mends it: back off. */
    | 'lost'
    /** The token may be stale: refresh it once. */
    | 'unauthorized'
    /** The position is refused: forget it and start afresh. */
    | 'position-lost'
    | 'fatal'
    | 'ended'
    | 'aborted'
  error: { kind: ErrorKind; message: string; status: number | null; cause: string | null } | null
  /** ms */
  retryAfter: number | null
}

const verdict = (
  next: Verdict['next'],
  kind: ErrorKind,
  message: string,
  extra: { status?: number; cause?: string | null; retryAfter?: number | null } = {},
): Verdict => ({
  next,
  error: { kind, message, status: extra.status ?? null, cause: extra.cause ?? null },
  retryAfter: extra.retryAfter ?? null,
})

/** S6, for an answer that opens no stream. Pure. */
const answered = (status: number, headers: Headers, now: number): Verdict => {
  const retryAfter = parseRetryAfter(headers.get('retry-after'), now)
  switch (status) {
    case 204:
      return { next: 'ended', error: null, retryAfter: null }
    case 401:
      return verdict('unauthorized', 'auth', 'The server refused the token (401).', { status })
    case 403:
      return verdict('fatal', 'auth', 'The user may not open this stream (403). Not tried again.', { status })
    case 409:
    case 429:
      return verdict(
        'lost',
        'limit',
        `The server's limit of streams or requests is reached (${status}). The stream opens as soon as there is a place.`,
        { status, retryAfter },
      )
    case 410:
      return verdict(
        'position-lost',
        'http',
        'The server no longer has the position (410). Starting afresh.',
        {
          status,
        },
      )
    case 404:
      return verdict(
        'lost',
        'http',
        'There is no stream at this URL (404). Check the URL given to connect().',
        {
          status,
          retryAfter,
        },
      )
    default:
      return verdict('lost', 'http', `The server answered ${status} instead of opening the stream.`, {
        status,
        retryAfter,
      })
  }
}

/**
 * @param now ms since 1970, for a `Retry-After` that is a date
 */
export const judge = (outcome: Outcome, maxEventSize: number, now: number): Verdict => {
  switch (outcome.type) {
    case 'aborted':
      return { next: 'aborted', error: null, retryAfter: null }
    case 'answered':
      return answered(outcome.status, outcome.headers, now)
    case 'not-a-stream':
      return verdict(
        'lost',
        'protocol',
        `The server answered 200 with content type "${outcome.contentType.slice(0, 100)}" instead of text/event-stream: ` +
          'often a login page or a single-page app that answers every URL. Check the URL given to connect().',
        { status: 200, retryAfter: parseRetryAfter(outcome.headers.get('retry-after'), now) },
      )
    case 'redirected':
      return verdict(
        'lost',
        'http',
        'The server redirects the stream; refused, since a credential goes along. Give connect() the final URL.',
      )
    case 'unreachable':
      return verdict(
        'lost',
        'network',
        'The server cannot be reached, or its CORS headers do not allow this origin.',
        { cause: outcome.cause },
      )
    case 'ended':
      return verdict(
        'lost',
        'network',
        outcome.cause === null ? 'The server ended the stream.' : 'The connection broke.',
        { cause: outcome.cause },
      )
    case 'too-large':
      return verdict(
        'lost',
        'too-large',
        `An event is larger than maxEventSize (${maxEventSize} characters). Send less, or raise the option; the position has not moved.`,
      )
  }
}
