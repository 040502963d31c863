import { createHash, timingSafeEqual } from 'node:crypto'
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authenticate, authenticateAccess, streamClient } from './authenticate.ts'
import { problem } from './problem.ts'
import type { Tokens } from './tokens.ts'

export interface AuthRoutesOptions {
  tokens: Tokens
  users: Readonly<Record<string, string>>
}

export const sseCookie = { name: 'sse_token', path: '/api/v1/events/stream' }
const refreshCookie = { name: 'refresh_token', path: '/api/v1/auth' }

/**
 * R5. On plain http, which is the loopback interface, `Secure` is left out: browsers differ in whether they
 * take a secure cookie there. For the same reason the name can't have the prefix `__Host-`.
 */
const cookie = (request: FastifyRequest, path: string, maxAge: number): CookieSerializeOptions => ({
  path,
  maxAge,
  httpOnly: true,
  sameSite: 'strict',
  secure: request.protocol === 'https',
})

const digest = (text: string) => createHash('sha256').update(text).digest()

const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString()

/** Log-in, its renewal, and the exchange of an access token for an SSE token (R5). */
export const authRoutes = (app: FastifyInstance, { tokens, users }: AuthRoutesOptions): void => {
  const isPassword = (user: string, password: string): boolean => {
    const expected = Object.hasOwn(users, user) ? users[user]! : ''
    return timingSafeEqual(digest(expected), digest(password)) && expected !== ''
  }

  const answerLogIn = async (request: FastifyRequest, reply: FastifyReply, user: string) => {
    const access = await tokens.issue('access', user)
    const refresh = await tokens.issue('refresh', user)
    reply.setCookie(refreshCookie.name, refresh.token, cookie(request, refreshCookie.path, refresh.life))
    return { access_token: access.token, expires_at: timestamp(access.expiresAt), user }
  }

  app.post('/api/v1/auth/login', async (request, reply) => {
    const { user, password } = (request.body ?? {}) as Record<string, unknown>
    if (typeof user !== 'string' || typeof password !== 'string')
      return problem(reply, 400, 'login_incomplete', 'Send { "user": "...", "password": "..." }.')
    if (!isPassword(user, password))
      return problem(reply, 401, 'login_refused', 'No such user, or not the password of that user.')
    return answerLogIn(request, reply, user)
  })

  /** A tab that was just opened has no token in memory; the browser's cookie gets it one. */
  app.post('/api/v1/auth/refresh', async (request, reply) => {
    const login = await authenticate(reply, tokens, 'refresh', request.cookies[refreshCookie.name])
    return login ? answerLogIn(request, reply, login.user) : reply
  })

  app.post('/api/v1/auth/logout', async (request, reply) => {
    for (const { name, path } of [refreshCookie, sseCookie]) reply.clearCookie(name, cookie(request, path, 0))
    return reply.code(204).send()
  })

  app.post('/api/v1/auth/sse-token', async (request, reply) => {
    const user = await authenticateAccess(request, reply, tokens)
    if (user === undefined) return reply
    const { mode = 'cookie' } = (request.body ?? {}) as { mode?: unknown }
    if (mode !== 'cookie' && mode !== 'header')
      return problem(reply, 400, 'mode_unknown', 'Set "mode" to "cookie" or "header", or leave it out.')
    // A browser keeps one cookie, whichever of its users it is for. Bound to the client that asked, it opens
    // no other user's stream under this one's key (A3): that client is refused, and asks for its own.
    const { token, expiresAt, life } = await tokens.issue('sse', user, streamClient(request))
    if (mode === 'header') return { sse_token: token, expires_at: timestamp(expiresAt) }
    reply.setCookie(sseCookie.name, token, cookie(request, sseCookie.path, life))
    return { expires_at: timestamp(expiresAt) }
  })
}
