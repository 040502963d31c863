import { createHash, createHmac } from 'node:crypto'
import { errors, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
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
  /** Thumbprint (RFC 7638) of the key that a request has to prove to have, to use the token; `null`: none (A7). */
  key: string | null
  /** The token's own id. */
  jti: string
}

export type Verdict =
  | ({ state: 'valid' } & Authenticated)
  | { state: 'expired' | 'wrong-kind' | 'invalid' | 'revoked' }

export interface TokensOptions {
  /** The first one signs. The others are former ones: what they have signed is valid until it expires. */
  secrets: readonly Uint8Array[]
  /** Seconds, by kind. */
  lives: Readonly<Record<TokenKind, number>>
  /** Seconds that a client's former SSE token still opens streams, and a used refresh token may come again. */
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

export type Renewal =
  | { state: 'renewed'; login: Authenticated; refresh: IssuedToken }
  /** The refresh token was used before: somebody has a copy. Its log-in is revoked. */
  | { state: 'reused'; login: Authenticated }
  | { state: Exclude<Verdict['state'], 'valid'> }

export interface Tokens {
  begin(user: string): Session
  /**
   * An SSE token for a `client` ages out that client's former one: after `overlap` it opens no stream. A stream that is
   * open stays.
   *
   * @param client the `Stream-Client` that alone may use it; `null`: anybody who holds it
   * @param key thumbprint of the key that it is bound to (RFC 9449, 6.1: `cnf.jkt`); `null`: none
   */
  issue(
    kind: 'access' | 'sse',
    session: Session,
    client?: string | null,
    key?: string | null,
  ): Promise<IssuedToken>
  /** The first refresh token of a log-in. */
  logIn(session: Session): Promise<IssuedToken>
  /**
   * Uses a refresh token, which gives the next one (RFC 9700, 4.14.2). One that comes again within `overlap` gives the
   * same next one; one that comes later revokes its log-in, since thief and owner can't be told apart.
   */
  renew(token: string): Promise<Renewal>
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
  cnf?: { jkt?: unknown }
}

const kinds: Record<TokenKind, { typ: string; audience: string }> = {
  access: { typ: 'at+jwt', audience: 'api' },
  sse: { typ: 'sse+jwt', audience: 'event-stream' },
  refresh: { typ: 'refresh+jwt', audience: 'log-in' },
}

const issuer = 'tabstream-demo'
const algorithm = 'HS256'

const stateOf = (error: unknown): Exclude<Verdict['state'], 'valid' | 'revoked'> => {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed && /^(typ|aud)$/.test(error.claim)) return 'wrong-kind'
  return 'invalid'
}

/** Names a secret, and tells nothing of it that its own signatures do not. */
const kidOf = (secret: Uint8Array): string =>
  createHmac('sha256', secret).update('kid').digest('base64url').slice(0, 11)

/** Hashed, since an embedded store limits its keys; no user name can make another user's. */
const holderOf = (user: string, client: string) =>
  `holder:${createHash('sha256')
    .update(JSON.stringify([user, client]))
    .digest('hex')}`

const refreshHolderOf = (session: string) => `refresh:${session}`

const authenticated = ({ sub, sid, auth_time, exp, jti, client, cnf }: Claims): Authenticated => ({
  id: sid,
  user: sub,
  began: auth_time * 1000,
  expiresAt: exp * 1000,
  client: typeof client === 'string' ? client : null,
  key: typeof cnf?.jkt === 'string' ? cnf.jkt : null,
  jti,
})

/** Signs claims, and says what is wrong with signed ones. Knows of time, but of no revocation. */
const createSigner = ({ secrets, lives, now }: Pick<TokensOptions, 'secrets' | 'lives' | 'now'>) => {
  const keys = new Map(secrets.map((secret) => [kidOf(secret), secret]))
  const [kid, secret] = [...keys][0]!

  const keyFor: JWTVerifyGetKey = ({ kid: named }) => {
    const key = keys.get(named ?? '')
    if (!key) throw new errors.JWKSNoMatchingKey()
    return key
  }

  return {
    async sign(
      kind: TokenKind,
      session: Session,
      own: { jti: string; client: string | null; key: string | null },
    ): Promise<IssuedToken> {
      const { typ, audience } = kinds[kind]
      const seconds = now() / 1000
      // Rounded up: claims are whole seconds here, and a life of one second must not be a life of none.
      const expires = Math.ceil(seconds + lives[kind])
      const claims = {
        sid: session.id,
        auth_time: session.began / 1000,
        ...(own.client === null ? {} : { client: own.client }),
        ...(own.key === null ? {} : { cnf: { jkt: own.key } }),
      }
      const token = await new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ, kid })
        .setSubject(session.user)
        .setIssuer(issuer)
        .setAudience(audience)
        .setJti(own.jti)
        .setIssuedAt(Math.floor(seconds))
        .setExpirationTime(expires)
        .sign(secret)
      return { token, expiresAt: expires * 1000, life: Math.ceil(lives[kind]) }
    },

    async read(kind: TokenKind, token: string): Promise<Claims | ReturnType<typeof stateOf>> {
      const { typ, audience } = kinds[kind]
      try {
        const { payload } = await jwtVerify<Claims>(token, keyFor, {
          typ,
          audience,
          issuer,
          algorithms: [algorithm],
          requiredClaims: ['sub', 'exp', 'jti', 'sid', 'auth_time'],
          currentDate: new Date(now()),
        })
        return payload
      } catch (error) {
        return stateOf(error)
      }
    },
  }
}

/** Issues, rotates, verifies and revokes. Knows nothing of HTTP. */
export const createTokens = (options: TokensOptions): Tokens => {
  const { lives, overlap, revocations, now, random } = options
  const signer = createSigner(options)
  const newId = () => random(16).toString('hex')

  const isRevokedSession = async ({ id, user: name, began }: Session): Promise<boolean> => {
    const [session, user] = await Promise.all([`session:${id}`, `user:${name}`].map(revocations.revokedFrom))
    // A user's revocation ends the sessions that were there: who can log in again may.
    return (session !== undefined && now() >= session) || (user !== undefined && began <= user)
  }

  const isRevoked = async ({ jti, ...session }: Authenticated): Promise<boolean> => {
    const [token, ofSession] = await Promise.all([
      revocations.revokedFrom(`token:${jti}`),
      isRevokedSession(session),
    ])
    return ofSession || (token !== undefined && now() >= token)
  }

  const verify: Tokens['verify'] = async (kind, token) => {
    const read = await signer.read(kind, token)
    if (typeof read === 'string') return { state: read }
    const login = authenticated(read)
    // A store that fails is no verdict: the request fails, and nobody is let in.
    return (await isRevoked(login)) ? { state: 'revoked' } : { state: 'valid', ...login }
  }

  const revokeSession = (id: string) =>
    revocations.revoke(`session:${id}`, now(), now() + lives.refresh * 1000)

  return {
    begin: (user) => ({ id: newId(), user, began: now() }),

    async issue(kind, session, client = null, key = null) {
      const jti = newId()
      const issued = await signer.sign(kind, session, { jti, client, key })
      if (kind === 'sse' && client !== null) {
        const from = now() + overlap * 1000
        await revocations.succeed(holderOf(session.user, client), `token:${jti}`, from, issued.expiresAt)
      }
      return issued
    },

    async logIn(session) {
      const jti = newId()
      const issued = await signer.sign('refresh', session, { jti, client: null, key: null })
      await revocations.hold(refreshHolderOf(session.id), jti, issued.expiresAt)
      return issued
    },

    async renew(token) {
      const verdict = await verify('refresh', token)
      if (verdict.state !== 'valid') return verdict
      const { state: _, ...login } = verdict
      const next = newId()
      const times = { now: now(), grace: overlap * 1000, until: now() + lives.refresh * 1000 }
      const use = await revocations.use(refreshHolderOf(login.id), login.jti, next, times)
      if (use.state === 'stale') {
        await revokeSession(login.id)
        return { state: 'reused', login }
      }
      const jti = use.state === 'first' ? next : use.current
      const refresh = await signer.sign('refresh', login, { jti, client: null, key: null })
      return { state: 'renewed', login, refresh }
    },

    verify,
    isRevokedSession,
    revokeToken: (jti, expiresAt) => revocations.revoke(`token:${jti}`, now(), expiresAt),
    revokeSession,
    revokeUser: (user) => revocations.revoke(`user:${user}`, now(), now() + lives.refresh * 1000),
  }
}
