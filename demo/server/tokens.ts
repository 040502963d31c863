import { errors, jwtVerify, SignJWT } from 'jose'

/** What a token is for. Each kind has its own `typ` (RFC 8725, 3.11) and audience, so none passes for another. */
export type TokenKind = 'access' | 'sse' | 'refresh'

export type Verdict =
  | { state: 'valid'; user: string; expiresAt: number; client: string | null }
  | { state: 'expired' | 'wrong-kind' | 'invalid' }

export interface TokensOptions {
  secret: Uint8Array
  /** Seconds, by kind. */
  lives: Readonly<Record<TokenKind, number>>
  now: () => number
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

export const createTokens = ({ secret, lives, now }: TokensOptions) => ({
  /**
   * A token and the instant it expires at, in milliseconds since 1970.
   *
   * @param client the `Stream-Client` that alone may use it; `null`: anybody who holds it
   */
  async issue(
    kind: TokenKind,
    user: string,
    client: string | null = null,
  ): Promise<{ token: string; expiresAt: number; life: number }> {
    const { typ, audience } = kinds[kind]
    const seconds = now() / 1000
    // Rounded up: claims are whole seconds here, and a life of one second must not be a life of none.
    const expires = Math.ceil(seconds + lives[kind])
    const token = await new SignJWT(client === null ? {} : { client })
      .setProtectedHeader({ alg: algorithm, typ })
      .setSubject(user)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(seconds))
      .setExpirationTime(expires)
      .sign(secret)
    return { token, expiresAt: expires * 1000, life: Math.ceil(lives[kind]) }
  },

  /** Never rejects: what is wrong with a token is an answer, and the token itself appears in none. */
  async verify(kind: TokenKind, token: string): Promise<Verdict> {
    const { typ, audience } = kinds[kind]
    try {
      const { payload } = await jwtVerify(token, secret, {
        typ,
        audience,
        issuer,
        algorithms: [algorithm],
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(now()),
      })
      const client = typeof payload.client === 'string' ? payload.client : null
      return { state: 'valid', user: payload.sub!, expiresAt: payload.exp! * 1000, client }
    } catch (error) {
      return { state: stateOf(error) }
    }
  },
})

export type Tokens = ReturnType<typeof createTokens>
