import type { ErrorKind } from '../../src/shared/status.ts'
import { parseRetryAfter } from '../base/retry-after.ts'
import type { Outcome } from './transport.ts'

/** What went wrong, for a `StreamError`. */
export interface Why {
  kind: ErrorKind
  message: string
  /** Of the answer. Default `null`. */
  status?: number | null
  /** What the browser or a library has said. Default `null`. */
  cause?: string | null
}

/** What the end of an attempt means for the stream's life. */
export interface Verdict {
  next: /** Time mends this: back off. */
    | 'lost'
    /** The token may be stale: obtain another one, once. */
    | 'unauthorized'
    /** The position is refused: forget it and start afresh. */
    | 'position-lost'
    | 'fatal'
    | 'ended'
  why: Why
  /** ms */
  retryAfter: number | null
  /** Whether time alone will hardly mend this, so that the hub tries ever more seldom. */
  isSeldom: boolean
}

/** What to mend if no answer comes: the server, or something on the way, holds it back. */
const WRITE_AT_ONCE =
  'A server has to answer at once, best with a comment as its first bytes. A proxy or compression on the way may ' +
  'hold the answer back: switch buffering and compression off for the stream.'

/** The attempt under way has had no answer for some seconds. */
export const NO_ANSWER: Why = {
  kind: 'stale',
  message: `The server has not answered yet. ${WRITE_AT_ONCE}`,
}

/** A position cannot be sent to the stream's origin, though a request without one is answered. */
export const UNSENDABLE: Why = {
  kind: 'protocol',
  message:
    'The server answers only without the header that asks for a resumption, so each reconnection is a reset. Answer ' +
    'the preflight with "Access-Control-Allow-Headers: Last-Event-ID", or set the option `lastEventId: { query }`.',
}

/** An event was skipped (B1). @param maxEventSize in characters */
export const tooLargeMessage = (maxEventSize: number): string =>
  `An event is larger than ${maxEventSize} characters, and was skipped: send less, or raise maxEventSize.`

/** A fault of the hub's own. */
export const faultOf = (error: unknown): Why => ({
  kind: 'worker',
  message:
    'The worker failed while it took what the server sent. It begins anew after the last committed event.',
  cause: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
})

/** S6: the statuses that are more than a reason to back off. */
const ANSWERS: Record<number, { next?: Verdict['next']; kind?: ErrorKind; hint: string }> = {
  204: { next: 'ended', hint: 'there is nothing to come' },
  401: { next: 'unauthorized', kind: 'auth', hint: 'the token is refused' },
  403: { next: 'fatal', kind: 'auth', hint: 'the user may not open this stream; not tried again' },
  404: { hint: 'check the URL given to connect()' },
  409: { kind: 'limit', hint: 'the limit of streams is reached; it opens once there is a place' },
  410: { next: 'position-lost', hint: 'the position is lost' },
  429: { kind: 'limit', hint: 'the limit of streams is reached; it opens once there is a place' },
}

const lost = (kind: ErrorKind, message: string, cause: string | null = null): Verdict => ({
  next: 'lost',
  why: { kind, message, cause },
  retryAfter: null,
  isSeldom: false,
})

/**
 * An answer of 200 that is no event stream. A page of HTML is most likely a log-in page: only the user can mend that.
 */
const noStream = (
  contentType: string,
  redirected: boolean,
): Pick<Verdict, 'isSeldom'> & Pick<Why, 'kind' | 'message'> => {
  const what = `200 with content type "${contentType.slice(0, 100)}"`
  if (!/^\s*text\/html\b/i.test(contentType))
    return {
      kind: 'protocol',
      message: `The server answered ${what}: no text/event-stream.`,
      isSeldom: false,
    }
  const message = redirected
    ? `The server redirected the stream to a page (${what}): a log-in page? Log in, then call reconnect().`
    : `The server answered with a page (${what}): a log-in page? Log in, then call reconnect(), or check the URL.`
  return { kind: redirected ? 'auth' : 'protocol', message, isSeldom: true }
}

/**
 * S6: what the end of an attempt means. Pure.
 *
 * @param now ms since 1970, for a `Retry-After` that is a date
 */
export const judge = (outcome: Outcome, now: number): Verdict => {
  switch (outcome.type) {
    case 'answered': {
      const { status, contentType, redirected, headers } = outcome
      const retryAfter = parseRetryAfter(headers.get('retry-after'), now)
      if (status === 200) {
        const { isSeldom, ...why } = noStream(contentType, redirected)
        return { next: 'lost', why: { ...why, status }, retryAfter, isSeldom }
      }
      const { next = 'lost', kind = 'http', hint = 'no stream' } = ANSWERS[status] ?? {}
      const message = `The server answered ${status}: ${hint}.`
      return { next, why: { kind, message, status }, retryAfter, isSeldom: false }
    }
    case 'anothers':
      return {
        next: 'unauthorized',
        why: {
          kind: 'auth',
          message:
            'The server opened the stream of another user than `user`: nothing of it is taken. Check the log-in.',
        },
        retryAfter: null,
        isSeldom: false,
      }
    case 'redirected':
      return {
        ...lost(
          'auth',
          'The server redirects the stream, perhaps to a log-in page: refused, since a credential goes along. Log in, ' +
            'or use the final URL.',
        ),
        isSeldom: true,
      }
    case 'unreachable':
      return lost(
        'network',
        'The server cannot be reached, redirects to another origin, or its CORS headers refuse this one.',
        outcome.cause,
      )
    case 'ended':
      return lost('network', 'The connection ended.', outcome.cause)
    case 'silent':
      return lost(
        'stale',
        `No byte from the server for ${Math.round(outcome.ms / 1_000)} s.${outcome.hasAnswered ? '' : ` ${WRITE_AT_ONCE}`}`,
      )
  }
}
