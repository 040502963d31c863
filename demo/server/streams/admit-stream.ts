import type { FastifyReply, FastifyRequest } from 'fastify'
import { authenticate, presentedToken, refuseProof, streamClient } from '../auth/authenticate.ts'
import type { Proof, Proofs } from '../auth/proofs.ts'
import type { Authenticated, Tokens } from '../auth/tokens.ts'
import type { Cookies } from '../http/cookies.ts'
import { carriesCredential } from '../http/credential-in-url.ts'
import type { Origins } from '../http/origins.ts'
import { problem } from '../http/problem.ts'
import type { IsExceeded } from '../http/rate-limits.ts'

export interface AdmitStreamOptions {
  tokens: Tokens
  proofs: Proofs
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

interface TokenInUse {
  token: string
  scheme: 'bearer' | 'dpop' | 'cookie'
  /** The key that the token is bound to; `null`: none. */
  key: string | null
}

/**
 * The proof that a bound token needs (A7); `null`: the token is not bound. By a cookie the proof may lack the token's hash,
 * since no script knows the token: the token names the key all the same. Undefined once the 401 is sent.
 */
const createProofOf =
  ({ proofs, origins }: Pick<AdmitStreamOptions, 'proofs' | 'origins'>) =>
  (
    request: FastifyRequest,
    reply: FastifyReply,
    { key, token, scheme }: TokenInUse,
  ): Proof | null | undefined => {
    const isAsItMustBe = key === null ? scheme !== 'dpop' : scheme !== 'bearer'
    if (!isAsItMustBe) {
      const [challenge, message] =
        key === null
          ? ['Bearer', 'That SSE token is bound to no key. Send it as Authorization: Bearer.']
          : ['DPoP', 'That SSE token is bound to a key. Send it as Authorization: DPoP, with a proof.']
      reply.header('WWW-Authenticate', `${challenge} error="invalid_token"`)
      problem(reply, 401, 'token_scheme', message)
      return
    }
    if (key === null) return null
    const hash = scheme === 'cookie' ? 'optional' : 'required'
    const proven = { method: request.method, url: origins.urlOf(request), token, hash } as const
    const verdict = proofs.verify(request.headers.dpop, proven)
    if (verdict.state === 'valid' && verdict.key === key) return verdict
    const reason =
      verdict.state === 'valid' ? 'The proof is by another key than the token is bound to.' : verdict.reason
    refuseProof(reply, 401, reason)
    return
  }

export const createAdmitStream = (options: AdmitStreamOptions): AdmitStream => {
  const { tokens, proofs, cookies, origins, isExceeded } = options
  const proofOf = createProofOf(options)

  /**
   * A cookie goes along whoever asks. A Stream-Client header does not: across origins it takes a preflight. A browser's own
   * EventSource cannot send one; there fetch metadata vouch, which no page can write.
   */
  const isForged = (request: FastifyRequest, client: string | null): boolean => {
    const hasCookie = Object.keys(request.cookies).some((name) => name.startsWith(cookies.sse(null).name))
    return (
      presentedToken(request) === undefined && client === null && hasCookie && !origins.isTrusted(request)
    )
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
    const presented = presentedToken(request)
    const token = presented?.token ?? cookie
    const login = await authenticate(request, reply, tokens, 'sse', token)
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
    const proof = proofOf(request, reply, {
      key: login.key,
      token: token ?? '',
      scheme: presented?.scheme ?? 'cookie',
    })
    if (proof === undefined || (await isExceeded(request, reply))) return
    // After the limit: otherwise a user could make the server remember any number of proofs.
    const spent = proof && (await proofs.spend(proof))
    if (spent?.state === 'invalid') {
      refuseProof(reply, 401, spent.reason)
      return
    }
    return { login, client }
  }
}
