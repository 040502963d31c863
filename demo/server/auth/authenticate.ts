import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from '../http/problem.ts'
import type { Authenticated, TokenKind, Tokens, Verdict } from './tokens.ts'

const what: Record<TokenKind, { name: string; how: string }> = {
  access: {
    name: 'an access token',
    how: 'Log in at POST /api/v1/auth/login and send Authorization: Bearer.',
  },
  sse: { name: 'an SSE token', how: 'Get one at POST /api/v1/auth/sse-token.' },
  refresh: { name: 'a log-in', how: 'Log in at POST /api/v1/auth/login.' },
}

export interface PresentedToken {
  /** `bearer` (RFC 6750, 2.1): whoever has the token may use it. `dpop` (RFC 9449, 7.1): a proof goes along. */
  scheme: 'bearer' | 'dpop'
  token: string
}

/** What the header `Authorization` carries. */
export const presentedToken = ({ headers }: FastifyRequest): PresentedToken | undefined => {
  const match = /^(Bearer|DPoP) +([\w.~+/-]+=*) *$/i.exec(headers.authorization ?? '')
  return match ? { scheme: match[1]!.toLowerCase() as PresentedToken['scheme'], token: match[2]! } : undefined
}

export const bearerToken = (request: FastifyRequest): string | undefined => {
  const presented = presentedToken(request)
  return presented?.scheme === 'bearer' ? presented.token : undefined
}

/** R6: which browser asks, as it says itself; `null` if it doesn't. Undefined once the 400 is sent. */
export const streamClient = (request: FastifyRequest, reply: FastifyReply): string | null | undefined => {
  const value = request.headers['stream-client']
  if (value === undefined) return null
  if (typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value)) return value
  problem(reply, 400, 'client_invalid', 'Stream-Client is 1 to 64 visible ASCII characters.')
  return
}

/** Answers 401, and says what to do about it. */
export const refuseToken = (
  reply: FastifyReply,
  kind: TokenKind,
  reason: Exclude<Verdict['state'], 'valid'> | 'missing',
): FastifyReply => {
  const { name, how } = what[kind]
  const messages: Record<typeof reason, string> = {
    missing: `This needs ${name}. ${how}`,
    expired: `That is ${name} which has expired. ${how}`,
    revoked: `That is ${name} which was revoked or replaced. ${how}`,
    'wrong-kind': `That is a token for something else, not ${name}. ${how}`,
    invalid: `That is not ${name} of this server. ${how}`,
  }
  reply.header('WWW-Authenticate', reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"')
  return problem(reply, 401, `token_${reason.replace('-', '_')}`, messages[reason])
}

/** A proof of possession is no good (RFC 9449, 5 and 7.1). */
export const refuseProof = (reply: FastifyReply, status: 400 | 401, reason: string): FastifyReply => {
  reply.header('WWW-Authenticate', 'DPoP error="invalid_dpop_proof", algs="ES256"')
  return problem(reply, status, 'invalid_dpop_proof', reason)
}

/** Who a token belongs to. Otherwise the 401 is sent, and the answer is undefined. */
export const authenticate = async (
  request: FastifyRequest,
  reply: FastifyReply,
  tokens: Tokens,
  kind: TokenKind,
  token: string | undefined,
): Promise<Extract<Verdict, { state: 'valid' }> | undefined> => {
  const verdict = token === undefined ? undefined : await tokens.verify(kind, token)
  if (verdict?.state === 'valid') {
    request.user = verdict.user
    return verdict
  }
  refuseToken(reply, kind, verdict?.state ?? 'missing')
  return
}

/** Whose access token a request carries; undefined once the 401 is sent. */
export const authenticateAccess = (
  request: FastifyRequest,
  reply: FastifyReply,
  tokens: Tokens,
): Promise<Authenticated | undefined> => authenticate(request, reply, tokens, 'access', bearerToken(request))
