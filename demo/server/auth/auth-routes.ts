import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Cookies } from '../http/cookies.ts'
import type { Origins } from '../http/origins.ts'
import { problem } from '../http/problem.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { withinLimit } from '../http/within-limit.ts'
import type { AuthAudit } from './auth-audit.ts'
import {
  authenticate,
  authenticateAccess,
  bearerToken,
  refuseProof,
  refuseToken,
  streamClient,
} from './authenticate.ts'
import type { Proofs } from './proofs.ts'
import type { IssuedToken, Session, Tokens } from './tokens.ts'
import type { Users } from './users.ts'

export interface AuthRoutesOptions {
  tokens: Tokens
  cookies: Cookies
  origins: Origins
  limits: RateLimits
  users: Users
  proofs: Proofs
  audit: AuthAudit
  /** A log-in is revoked: its streams end, on every node. */
  onRevoked: (sessionId: string) => Promise<void>
}

const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString()

const longestPassword = 1_024

/** Log-in, its renewal and its end. */
const logInRoutes = (auth: FastifyInstance, options: AuthRoutesOptions): void => {
  const { tokens, cookies, origins, users, audit, onRevoked } = options

  const answerLogIn = async (reply: FastifyReply, session: Session, refresh: IssuedToken) => {
    const access = await tokens.issue('access', session)
    reply.setCookie(cookies.refresh.name, refresh.token, cookies.refresh.options(refresh.life))
    return {
      access_token: access.token,
      expires_at: timestamp(access.expiresAt),
      expires_in: access.life,
      user: session.user,
    }
  }

  const end = async (session: Session) => {
    await tokens.revokeSession(session.id)
    await onRevoked(session.id)
  }

  // A form can't send JSON, and a script of another page can't without a preflight: no forged log-in.
  auth.post('/api/v1/auth/login', async (request, reply) => {
    const { user, password } = (request.body ?? {}) as Record<string, unknown>
    if (typeof user !== 'string' || typeof password !== 'string' || password.length > longestPassword)
      return problem(reply, 400, 'login_incomplete', 'Send { "user": "...", "password": "..." }.')
    if (!(await users.isPassword(user, password))) {
      audit.failed(request, user)
      return problem(reply, 401, 'login_refused', 'No such user, or not the password of that user.')
    }
    const session = tokens.begin(user)
    audit.happened('logged-in', request, session)
    return answerLogIn(reply, session, await tokens.logIn(session))
  })

  /** A tab that was just opened has no token in memory; the browser's cookie gets it one, and the cookie's successor. */
  auth.post('/api/v1/auth/refresh', async (request, reply) => {
    if (origins.isForged(request, reply)) return reply
    const cookie = request.cookies[cookies.refresh.name]
    if (cookie === undefined) return refuseToken(reply, 'refresh', 'missing')
    const renewal = await tokens.renew(cookie)
    if (renewal.state === 'renewed') {
      audit.happened('renewed', request, renewal.login)
      return answerLogIn(reply, renewal.login, renewal.refresh)
    }
    if (renewal.state !== 'reused') return refuseToken(reply, 'refresh', renewal.state)
    audit.happened('refresh-token-reused', request, renewal.login)
    await onRevoked(renewal.login.id)
    return refuseToken(reply, 'refresh', 'revoked')
  })

  /** Log-ins that a request proves to have: by its access token, and by its cookie. Undefined once an answer is sent. */
  const loginsOf = async (request: FastifyRequest, reply: FastifyReply) => {
    const cookie = request.cookies[cookies.refresh.name]
    const bearer = bearerToken(request)
    // A cookie goes along whoever asks; a bearer token is proof enough.
    if (bearer === undefined && origins.isForged(request, reply)) return
    const byBearer =
      bearer === undefined ? undefined : await authenticate(request, reply, tokens, 'access', bearer)
    if (bearer !== undefined && !byBearer) return
    const byCookie = cookie === undefined ? undefined : await tokens.verify('refresh', cookie)
    return [byBearer, byCookie].flatMap((login) => (login?.state === 'valid' ? [login] : []))
  }

  /** Void at the server too, not merely forgotten by the browser: copies of the tokens are worth nothing. */
  auth.post('/api/v1/auth/logout', async (request, reply) => {
    const logins = await loginsOf(request, reply)
    if (!logins) return reply
    for (const login of logins) {
      await end(login)
      audit.happened('logged-out', request, login)
    }
    // Those of clients are void too, and end by themselves within minutes.
    for (const { name, options } of [cookies.refresh, cookies.sse(null)]) reply.clearCookie(name, options(0))
    return reply.code(204).send()
  })
}

/** The exchange of an access token for an SSE token (R5). */
const exchangeRoute = (auth: FastifyInstance, options: AuthRoutesOptions): void => {
  const { tokens, cookies, origins, limits, proofs, audit } = options

  /** The key that the SSE token is to be bound to (A7); `null`: none is asked for. Undefined once the 400 is sent. */
  const provenKey = async (request: FastifyRequest, reply: FastifyReply) => {
    const { dpop } = request.headers
    if (dpop === undefined) return null
    const token = bearerToken(request) ?? ''
    let verdict = proofs.verify(dpop, {
      method: 'POST',
      url: origins.urlOf(request),
      token,
      hash: 'required',
    })
    if (verdict.state === 'valid') verdict = await proofs.spend(verdict)
    if (verdict.state === 'valid') return verdict.key
    // 400 (RFC 9449, 5): nothing is wrong with the access token, which a 401 would have the client renew.
    refuseProof(reply, 400, verdict.reason)
    return
  }

  auth.post('/api/v1/auth/sse-token', async (request, reply) => {
    const login = await authenticateAccess(request, reply, tokens)
    if (!login || (await limits.exchangesPerUser(request, reply))) return reply
    // A proof names a token by its hash, which takes a token that a script sees.
    const usual = request.headers.dpop === undefined ? 'cookie' : 'header'
    const { mode = usual } = (request.body ?? {}) as { mode?: unknown }
    if (mode !== 'cookie' && mode !== 'header')
      return problem(reply, 400, 'mode_unknown', 'Set "mode" to "cookie" or "header", or leave it out.')
    if (mode === 'cookie' && origins.isForged(request, reply)) return reply
    const client = streamClient(request, reply)
    if (client === undefined) return reply
    const key = await provenKey(request, reply)
    if (key === undefined) return reply
    // Bound to the client that asked, it opens no other user's stream under this one's key (A3).
    const { token, expiresAt, life } = await tokens.issue('sse', login, client, key)
    audit.happened('exchanged', request, login)
    // `user`: a browser's log-in may be another user's by now, of which a tab of the former has not heard (A3).
    const answer = {
      user: login.user,
      expires_at: timestamp(expiresAt),
      expires_in: life,
      ...(key === null ? {} : { token_type: 'DPoP' }),
    }
    if (mode === 'header') return { sse_token: token, ...answer }
    const { name, options } = cookies.sse(client)
    reply.setCookie(name, token, options(life))
    return answer
  })
}

/** All of /api/v1/auth. */
export const authRoutes = (app: FastifyInstance, options: AuthRoutesOptions): void => {
  app.register(async (auth) => {
    // RFC 6749, 5.1: nothing with a token in it is kept by a cache.
    auth.addHook('onRequest', async (_request, reply) => {
      reply.header('Cache-Control', 'no-store')
    })
    auth.addHook('onRequest', withinLimit(options.limits.authPerAddress))
    logInRoutes(auth, options)
    exchangeRoute(auth, options)
  })
}
