import { createHash } from 'node:crypto'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { streamPath } from './stream-path.ts'

export interface CookieSpec {
  name: string
  /** @param maxAge seconds; 0 clears the cookie */
  options(maxAge: number): CookieSerializeOptions
}

export interface Cookies {
  /**
   * The cookie of an SSE token, one for each `Stream-Client` (`null`: of who names none). A browser has one jar for all
   * of its users: under one name the exchange of a second user would put the first one's token out, whose next stream
   * would be refused.
   */
  sse(client: string | null): CookieSpec
  /** The cookie of a log-in. */
  refresh: CookieSpec
}

/** What a client calls itself may hold what a cookie's name can't. */
const nameOf = (client: string) => createHash('sha256').update(client).digest('hex').slice(0, 16)

/**
 * With TLS the names begin with `__Host-`, which a browser takes only from this very host, over https, for `/`
 * (RFC 6265bis, 4.1.3.2): no other subdomain can plant one. On plain http, which is the loopback interface,
 * browsers refuse that prefix, and differ in whether they take `Secure`; there the cookies are bound to their
 * paths instead, which the prefix forbids.
 */
export const createCookies = (secure: boolean): Cookies => {
  const cookie = (name: string, path: string): CookieSpec => ({
    name: secure ? `__Host-${name}` : name,
    options: (maxAge) => ({
      path: secure ? '/' : path,
      maxAge,
      httpOnly: true,
      sameSite: 'strict',
      secure,
    }),
  })
  return {
    sse: (client) => cookie(client === null ? 'sse_token' : `sse_token_${nameOf(client)}`, streamPath),
    refresh: cookie('refresh_token', '/api/v1/auth'),
  }
}
