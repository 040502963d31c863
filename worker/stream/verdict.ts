import type { ErrorKind } from '../../src/shared/status.ts'
import { parseRetryAfter } from '../base/retry-after.ts'
import type { Outcome } from './transport.ts'

/** What went wrong, for a `StreamError`. */
export interface Why {
  kind: ErrorKind
  message: string
  status: number | null
  cause: string | null
}

/** What the end of an attempt means for the stream's life. */
export interface Verdict {
  next: /** Time mends it: back off. */
    | 'lost'
    /** The token may be stale: obtain it anew, once. */
    | 'unauthorized'
    /** The position is refused: forget it and start afresh. */
    | 'position-lost'
    | 'fatal'
    | 'ended'
  why: Why
  /** ms */
  retryAfter: number | null
}

/** S6, where an answer is more than a reason to back off. */
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
  why: { kind, message, status: null, cause },
  retryAfter: null,
})

/**
 * S6: what the end of an attempt means. Pure.
 *
 * @param now ms since 1970, for a `Retry-After` that is a date
 */
export const judge = (outcome: Outcome, now: number): Verdict => {
  switch (outcome.type) {
    case 'answered': {
      const { status, contentType, headers } = outcome
      const answer =
        status === 200
          ? { kind: 'protocol' as const, hint: 'no text/event-stream; a login page?' }
          : ANSWERS[status]
      const { next = 'lost', kind = 'http', hint = 'no stream' } = answer ?? {}
      const what = status === 200 ? `200 with content type "${contentType.slice(0, 100)}"` : status
      return {
        next,
        why: { kind, message: `The server answered ${what}: ${hint}.`, status, cause: null },
        retryAfter: parseRetryAfter(headers.get('retry-after'), now),
      }
    }
    case 'anothers':
      return {
        next: 'unauthorized',
        why: {
          kind: 'auth',
          message:
            'The server opened the stream of another user than `user`: nothing of it is taken. Check the log-in.',
          status: null,
          cause: null,
        },
        retryAfter: null,
      }
    case 'redirected':
      return lost(
        'http',
        'The server redirects the stream: refused, since a credential goes along. Use the final URL.',
      )
    case 'unreachable':
      return lost(
        'network',
        'The server cannot be reached, redirects to another origin, or its CORS headers refuse this one.',
        outcome.cause,
      )
    case 'ended':
      return lost('network', 'The connection ended.', outcome.cause)
    case 'silent':
      return lost('stale', `No byte from the server for ${outcome.ms / 1_000} s.`)
  }
}
