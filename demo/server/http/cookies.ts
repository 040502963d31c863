import { createHash } from 'node:crypto'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { streamPath } from './stream-path.ts'

/** What a client calls itself may hold what a cookie's name can't. */
const nameOf = (client: string) => createHash('sha256').update(client).digest('hex').slice(0, 16)

/**
 * With TLS the names begin with `__Host-`, which a browser takes only from this very host, over https, for `/`
 * (RFC 6265bis, 4.1.3.2): no other subdomain can plant one. On plain http, which is the loopback interface,
 * browsers refuse that prefix, and differ in whether they take `Secure`; there the cookies are bound to their
 * paths instead, which the prefix forbids.
 */
export const createCookies = (secure: boolean) => {
  const cookie = (name: string, path: string) => ({
    name: secure ? `__Host-${name}` : name,
    options: (maxAge: number): CookieSerializeOptions => ({
      path: secure ? '/' : path,
      maxAge,
      httpOnly: true,
      sameSite: 'strict',
      secure,
    }),
  })
  return {
    /**
     * One for each client. A browser has one jar for all of its users: under one name the exchange of a second
     * user would put the first one's token out, whose next stream would be refused.
     */
    sse: (client: string | null) =>
      cookie(client === null ? 'sse_token' : `sse_token_${nameOf(client)}`, streamPath),
    refresh: cookie('refresh_token', '/api/v1/auth'),
  }
}

export type Cookies = ReturnType<typeof createCookies>
