import type { FastifyReply, FastifyRequest } from 'fastify'
import { authenticate, bearerToken, streamClient } from '../auth/authenticate.ts'
import type { Authenticated, Tokens } from '../auth/tokens.ts'
import type { Cookies } from '../http/cookies.ts'
import { carriesCredential } from '../http/credential-in-url.ts'
import type { Origins } from '../http/origins.ts'
import { problem } from '../http/problem.ts'
import type { IsExceeded } from '../http/rate-limits.ts'

export interface AdmitStreamOptions {
  tokens: Tokens
  cookies: Cookies
  origins: Origins
  /** Counts streams that a user opens, or tries to. */
  isExceeded: IsExceeded
}

export interface Admitted {
  login: Authenticated
  /** `Stream-Client`; `null`: the client does not say. */
  client: string | null
}

/**
 * Whether a request may have a stream at all: by its URL, its client, the proof that a page of this server sent it, its token
 * and how often its user comes. It takes no place and reads no event. Otherwise the answer is sent, and undefined returned.
 */
export type AdmitStream = (request: FastifyRequest, reply: FastifyReply) => Promise<Admitted | undefined>

export const createAdmitStream = (options: AdmitStreamOptions): AdmitStream => {
  const { tokens, cookies, origins, isExceeded } = options

  /**
   * A cookie goes along whoever asks. A Stream-Client header does not: across origins it takes a preflight. A browser's own
   * EventSource cannot send one; there fetch metadata vouch, which no page can write.
   */
  const isForged = (request: FastifyRequest, client: string | null): boolean => {
    const hasCookie = Object.keys(request.cookies).some((name) => name.startsWith(cookies.sse(null).name))
    return bearerToken(request) === undefined && client === null && hasCookie && !origins.isTrusted(request)
  }

  return async (request, reply) => {
    if (carriesCredential(request.url)) {
      problem(
        reply,
        400,
        'token_in_url',
        'A token in a URL ends up in logs and histories. Send it as Authorization: Bearer, or use the cookie of POST /api/v1/auth/sse-token. Treat the token that you sent as leaked.',
      )
      return
    }
    const client = streamClient(request, reply)
    if (client === undefined) return
    if (isForged(request, client)) {
      problem(
        reply,
        403,
        'csrf',
        'A stream that is opened by the cookie needs a Stream-Client header, or Sec-Fetch-Site: same-origin.',
      )
      return
    }
    const cookie = request.cookies[cookies.sse(client).name] ?? request.cookies[cookies.sse(null).name]
    const login = await authenticate(request, reply, tokens, 'sse', bearerToken(request) ?? cookie)
    if (!login) return
    if (login.client !== null && login.client !== client) {
      reply.header('WWW-Authenticate', 'Bearer error="invalid_token"')
      problem(
        reply,
        401,
        'token_of_another_client',
        'That SSE token was given to another Stream-Client. Get one at POST /api/v1/auth/sse-token.',
      )
      return
    }
    if (await isExceeded(request, reply)) return
    return { login, client }
  }
}
