import type { CookieSerializeOptions } from '@fastify/cookie'

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
    sse: cookie('sse_token', '/api/v1/events/stream'),
    refresh: cookie('refresh_token', '/api/v1/auth'),
  }
}

export type Cookies = ReturnType<typeof createCookies>
