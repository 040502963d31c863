import { createHash } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { Revocations } from '../store/revocations.ts'

/** What a token is for. Each kind has its own `typ` (RFC 8725, 3.11) and audience, so none passes for another. */
export type TokenKind = 'access' | 'sse' | 'refresh'

/** One log-in of one browser. Every token that comes of it bears its id, and dies with it. */
export interface Session {
  id: string
  user: string
  /** Milliseconds since 1970. */
  began: number
}

export interface Authenticated extends Session {
  /** Milliseconds since 1970. */
  expiresAt: number
  /** The `Stream-Client` that alone may use the token; `null`: anybody who holds it. */
  client: string | null
}

export type Verdict =
  | ({ state: 'valid' } & Authenticated)
  | { state: 'expired' | 'wrong-kind' | 'invalid' | 'revoked' }

export interface TokensOptions {
  secret: Uint8Array
  /** Seconds, by kind. */
  lives: Readonly<Record<TokenKind, number>>
  /** Seconds that a client's former SSE token still opens streams after its next one was issued. */
  overlap: number
  revocations: Revocations
  now: () => number
  random: (bytes: number) => Buffer
}

export interface IssuedToken {
  token: string
  /** Milliseconds since 1970. */
  expiresAt: number
  /** Seconds. */
  life: number
}

export interface Tokens {
  begin(user: string): Session
  /**
   * An SSE token for a `client` ages out that client's former one: after `overlap` it opens no stream. A stream that is
   * open stays.
   *
   * @param client the `Stream-Client` that alone may use it; `null`: anybody who holds it
   */
  issue(kind: TokenKind, session: Session, client?: string | null): Promise<IssuedToken>
  /** Never rejects for a token's sake: what is wrong with one is an answer, and the token itself is in none. */
  verify(kind: TokenKind, token: string): Promise<Verdict>
  /** Of a log-in whose stream is open: the token itself may age out meanwhile. */
  isRevokedSession(session: Session): Promise<boolean>
  /** One token alone, by its `jti`, before the instant that it expires at. */
  revokeToken(jti: string, expiresAt: number): Promise<void>
  /** Every token of one log-in. */
  revokeSession(id: string): Promise<void>
  /** Every token that a user has by now, on whichever device. */
  revokeUser(user: string): Promise<void>
}

interface Claims {
  sub: string
  exp: number
  jti: string
  sid: string
  auth_time: number
  client?: unknown
}

const kinds: Record<TokenKind, { typ: string; audience: string }> = {
  access: { typ: 'at+jwt', audience: 'api' },
  sse: { typ: 'sse+jwt', audience: 'event-stream' },
  refresh: { typ: 'refresh+jwt', audience: 'log-in' },
}

const issuer = 'tabstream-demo'
const algorithm = 'HS256'

const stateOf = (error: unknown): Exclude<Verdict['state'], 'valid'> => {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed && /^(typ|aud)$/.test(error.claim)) return 'wrong-kind'
  return 'invalid'
}

/** Hashed, since an embedded store limits its keys; no user name can make another user's. */
const holderOf = (user: string, client: string) =>
  `holder:${createHash('sha256')
    .update(JSON.stringify([user, client]))
    .digest('hex')}`

/** Issues, rotates, verifies and revokes. Knows nothing of HTTP. */
export const createTokens = ({ secret, lives, overlap, revocations, now, random }: TokensOptions): Tokens => {
  const isRevokedSession = async ({ id, user: name, began }: Session): Promise<boolean> => {
    const [session, user] = await Promise.all([`session:${id}`, `user:${name}`].map(revocations.revokedFrom))
    // A user's revocation ends the sessions that were there: who can log in again may.
    return (session !== undefined && now() >= session) || (user !== undefined && began <= user)
  }

  const isRevoked = async ({ jti, sid, sub, auth_time }: Claims): Promise<boolean> => {
    const [token, session] = await Promise.all([
      revocations.revokedFrom(`token:${jti}`),
      isRevokedSession({ id: sid, user: sub, began: auth_time * 1000 }),
    ])
    return session || (token !== undefined && now() >= token)
  }

  return {
    begin: (user) => ({ id: random(16).toString('hex'), user, began: now() }),

    async issue(kind, session, client = null) {
      const { typ, audience } = kinds[kind]
      const seconds = now() / 1000
      // Rounded up: claims are whole seconds here, and a life of one second must not be a life of none.
      const expires = Math.ceil(seconds + lives[kind])
      const jti = random(16).toString('hex')
      const claims = { sid: session.id, auth_time: session.began / 1000 }
      const token = await new SignJWT(client === null ? claims : { ...claims, client })
        .setProtectedHeader({ alg: algorithm, typ })
        .setSubject(session.user)
        .setIssuer(issuer)
        .setAudience(audience)
        .setJti(jti)
        .setIssuedAt(Math.floor(seconds))
        .setExpirationTime(expires)
        .sign(secret)
      const expiresAt = expires * 1000
      if (kind === 'sse' && client !== null) {
        const holder = holderOf(session.user, client)
        await revocations.succeed(holder, `token:${jti}`, now() + overlap * 1000, expiresAt)
      }
      return { token, expiresAt, life: Math.ceil(lives[kind]) }
    },

    async verify(kind, token) {
      const { typ, audience } = kinds[kind]
      let claims: Claims
      try {
        const { payload } = await jwtVerify<Claims>(token, secret, {
          typ,
          audience,
          issuer,
          algorithms: [algorithm],
          requiredClaims: ['sub', 'exp', 'jti', 'sid', 'auth_time'],
          currentDate: new Date(now()),
        })
        claims = payload
      } catch (error) {
        return { state: stateOf(error) }
      }
      // A store that fails is no verdict: the request fails, and nobody is let in.
      if (await isRevoked(claims)) return { state: 'revoked' }
      return {
        state: 'valid',
        id: claims.sid,
        user: claims.sub,
        began: claims.auth_time * 1000,
        expiresAt: claims.exp * 1000,
        client: typeof claims.client === 'string' ? claims.client : null,
      }
    },

    isRevokedSession,

    revokeToken: (jti, expiresAt) => revocations.revoke(`token:${jti}`, now(), expiresAt),

    revokeSession: (id) => revocations.revoke(`session:${id}`, now(), now() + lives.refresh * 1000),

    revokeUser: (user) => revocations.revoke(`user:${user}`, now(), now() + lives.refresh * 1000),
  }
}
