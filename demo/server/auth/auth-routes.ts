import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Cookies } from '../http/cookies.ts'
import type { Origins } from '../http/origins.ts'
import { problem } from '../http/problem.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { authenticate, authenticateAccess, streamClient } from './authenticate.ts'
import type { Session, Tokens } from './tokens.ts'

export interface AuthRoutesOptions {
  tokens: Tokens
  cookies: Cookies
  origins: Origins
  limits: RateLimits
  users: Readonly<Record<string, string>>
  /** A log-in is revoked: its streams end, on every node. */
  onRevoked: (sessionId: string) => Promise<void>
}

const digest = (text: string) => createHash('sha256').update(text).digest()

const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString()

/** Log-in, its renewal, and the exchange of an access token for an SSE token (R5). */
export const authRoutes = (app: FastifyInstance, options: AuthRoutesOptions): void => {
  const { tokens, cookies, origins, limits, users, onRevoked } = options

  const isPassword = (user: string, password: string): boolean => {
    const expected = Object.hasOwn(users, user) ? users[user]! : ''
    return timingSafeEqual(digest(expected), digest(password)) && expected !== ''
  }

  const answerLogIn = async (reply: FastifyReply, session: Session) => {
    const access = await tokens.issue('access', session)
    const refresh = await tokens.issue('refresh', session)
    reply.setCookie(cookies.refresh.name, refresh.token, cookies.refresh.options(refresh.life))
    return { access_token: access.token, expires_at: timestamp(access.expiresAt), user: session.user }
  }

  app.register(async (auth) => {
    // RFC 6749, 5.1: nothing with a token in it is kept by a cache.
    auth.addHook('onRequest', async (request, reply) => {
      reply.header('Cache-Control', 'no-store')
      if (await limits.authPerAddress(request, reply)) return reply
      return
    })

    // A form can't send JSON, and a script of another page can't without a preflight: no forged log-in.
    auth.post('/api/v1/auth/login', async (request, reply) => {
      const { user, password } = (request.body ?? {}) as Record<string, unknown>
      if (typeof user !== 'string' || typeof password !== 'string')
        return problem(reply, 400, 'login_incomplete', 'Send { "user": "...", "password": "..." }.')
      if (!isPassword(user, password))
        return problem(reply, 401, 'login_refused', 'No such user, or not the password of that user.')
      return answerLogIn(reply, tokens.begin(user))
    })

    /** A tab that was just opened has no token in memory; the browser's cookie gets it one. */
    auth.post('/api/v1/auth/refresh', async (request, reply) => {
      if (origins.isForged(request, reply)) return reply
      const cookie = request.cookies[cookies.refresh.name]
      const login = await authenticate(request, reply, tokens, 'refresh', cookie)
      return login ? answerLogIn(reply, login) : reply
    })

    /** Void at the server too, not merely forgotten by the browser: copies of the tokens are worth nothing. */
    auth.post('/api/v1/auth/logout', async (request, reply) => {
      if (origins.isForged(request, reply)) return reply
      const token = request.cookies[cookies.refresh.name]
      const login = token === undefined ? undefined : await tokens.verify('refresh', token)
      if (login?.state === 'valid') {
        await tokens.revokeSession(login.id)
        await onRevoked(login.id)
      }
      // Those of clients are void too, and end by themselves within minutes.
      for (const { name, options } of [cookies.refresh, cookies.sse(null)])
        reply.clearCookie(name, options(0))
      return reply.code(204).send()
    })

    auth.post('/api/v1/auth/sse-token', async (request, reply) => {
      const login = await authenticateAccess(request, reply, tokens)
      if (!login || (await limits.exchangesPerUser(request, reply))) return reply
      const { mode = 'cookie' } = (request.body ?? {}) as { mode?: unknown }
      if (mode !== 'cookie' && mode !== 'header')
        return problem(reply, 400, 'mode_unknown', 'Set "mode" to "cookie" or "header", or leave it out.')
      if (mode === 'cookie' && origins.isForged(request, reply)) return reply
      const client = streamClient(request, reply)
      if (client === undefined) return reply
      // Bound to the client that asked, it opens no other user's stream under this one's key (A3).
      const { token, expiresAt, life } = await tokens.issue('sse', login, client)
      // `user`: a browser's log-in may be another user's by now, of which a tab of the former has not heard (A3).
      const answer = { user: login.user, expires_at: timestamp(expiresAt), expires_in: life }
      if (mode === 'header') return { sse_token: token, ...answer }
      const { name, options } = cookies.sse(client)
      reply.setCookie(name, token, options(life))
      return answer
    })
  })
}
