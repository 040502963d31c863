import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from './problem.ts'
import type { TokenKind, Tokens } from './tokens.ts'

export interface Authenticated {
  user: string
  /** Milliseconds since 1970. */
  expiresAt: number
  /** The `Stream-Client` that alone may use the token; `null`: anybody who holds it. */
  client: string | null
}

const what: Record<TokenKind, { name: string; how: string }> = {
  access: {
    name: 'an access token',
    how: 'Log in at POST /api/v1/auth/login and send Authorization: Bearer.',
  },
  sse: { name: 'an SSE token', how: 'Get one at POST /api/v1/auth/sse-token.' },
  refresh: { name: 'a log-in', how: 'Log in at POST /api/v1/auth/login.' },
}

/** RFC 6750, 2.1. */
export const bearerToken = (request: FastifyRequest): string | undefined =>
  /^Bearer +([\w.~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1]

/** R6: which browser asks, as it says itself. */
export const streamClient = (request: FastifyRequest): string | null => {
  const value = request.headers['stream-client']
  return typeof value === 'string' ? value : null
}

/** Who a token belongs to. Otherwise the 401 is sent, and the answer is undefined. */
export const authenticate = async (
  reply: FastifyReply,
  tokens: Tokens,
  kind: TokenKind,
  token: string | undefined,
): Promise<Authenticated | undefined> => {
  const { name, how } = what[kind]
  if (token === undefined) {
    reply.header('WWW-Authenticate', 'Bearer')
    problem(reply, 401, 'token_missing', `This needs ${name}. ${how}`)
    return
  }
  const verdict = await tokens.verify(kind, token)
  if (verdict.state === 'valid') return verdict
  reply.header('WWW-Authenticate', 'Bearer error="invalid_token"')
  const messages = {
    expired: `That is ${name} which has expired. ${how}`,
    'wrong-kind': `That is a token for something else, not ${name}. ${how}`,
    invalid: `That is not ${name} of this server. ${how}`,
  }
  problem(reply, 401, `token_${verdict.state.replace('-', '_')}`, messages[verdict.state])
  return
}

/** The user of a request that carries an access token; undefined once the 401 is sent. */
export const authenticateAccess = async (
  request: FastifyRequest,
  reply: FastifyReply,
  tokens: Tokens,
): Promise<string | undefined> => (await authenticate(reply, tokens, 'access', bearerToken(request)))?.user
