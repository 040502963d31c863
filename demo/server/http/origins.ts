import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problem } from './problem.ts'

export interface OriginsOptions {
  /** Where browsers reach this server; `null`: on the loopback interface, under whatever name. */
  publicOrigin: string | null
  /** Other origins that may call. */
  allowedOrigins: readonly string[]
  /** It speaks TLS itself. */
  tls?: boolean
}

/** HTTP/2 has no Host (RFC 9113, 8.3.1). */
export const hostOf = ({ headers }: FastifyRequest): string => {
  const authority = headers[':authority']
  return (typeof authority === 'string' ? authority : headers.host) ?? ''
}

/**
 * Whose page sent a request: one that may (`trusted`), one that may not (`foreign`), or none that says so
 * (`unknown`: no browser, an old one, or an address that somebody typed).
 */
export type Sender = 'trusted' | 'foreign' | 'unknown'

export interface Origins {
  /** Decides what cookies are called and whether they are `Secure`. The scheme behind a proxy says nothing. */
  isSecure: boolean
  /** A page of this server, or of an origin of the list, by the browser's word. */
  isTrusted(request: FastifyRequest): boolean
  isAllowed(origin: string | undefined): boolean
  /** The address of the request's route as the client knows it, through whatever proxy; without the query. */
  urlOf(request: FastifyRequest): string
  /**
   * Against cross-site request forgery, where a cookie is all the proof or is what gets set: needs proof that
   * a trusted page sent this, and a header that no form and no image can send. Otherwise the 403 is sent.
   */
  isForged(request: FastifyRequest, reply: FastifyReply): boolean
  /**
   * Before anything else is looked at: a foreign page gets 403 from everything but the page's own files, so
   * it takes no stream's place and none of anybody's rate limit.
   */
  guard(app: FastifyInstance): void
}

const loopback = /^(localhost|([\w-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i

/** Names and addresses that a machine has for itself, without a port. */
export const isLoopbackName = (name: string): boolean => loopback.test(name)

const guarded = /^\/(api|debug|\.well-known)\//

/** What only a script can add, and across origins only after a preflight (Fetch, 4.8). */
const customHeaders = ['authorization', 'stream-client', 'x-requested-with']

/** A typo here must not become a hole: `null`, `*`, a path or a trailing slash end the start of the server. */
const assertOrigin = (origin: string) => {
  if (!URL.canParse(origin) || new URL(origin).origin !== origin || /null|\*/.test(origin))
    throw new TypeError(`"${origin}" is no origin. Write scheme, host and port, as in https://app.example`)
}

/**
 * Origins are compared as a whole, never by suffix or pattern. Where a browser leaves `Origin` out, which it
 * does for a GET to its own origin, fetch metadata tells (W3C Fetch Metadata, `Sec-Fetch-Site`).
 */
export const createOrigins = ({ publicOrigin, allowedOrigins, tls = false }: OriginsOptions): Origins => {
  for (const origin of publicOrigin === null ? allowedOrigins : [publicOrigin, ...allowedOrigins])
    assertOrigin(origin)
  const allowed = new Set(allowedOrigins)

  const ownOrigin = (request: FastifyRequest): string =>
    publicOrigin ?? `${tls ? 'https' : 'http'}://${hostOf(request).toLowerCase()}`

  const senderOf = (request: FastifyRequest): Sender => {
    const { origin, 'sec-fetch-site': site } = request.headers
    const host = hostOf(request)
    // A name that an attacker points at 127.0.0.1 makes his page "same-origin" (DNS rebinding).
    if (publicOrigin === null && !loopback.test(host)) return 'foreign'
    if (origin !== undefined)
      return origin === ownOrigin(request) || allowed.has(origin) ? 'trusted' : 'foreign'
    if (site === 'same-origin') return 'trusted'
    return site === undefined || site === 'none' ? 'unknown' : 'foreign'
  }

  return {
    isSecure: publicOrigin?.startsWith('https:') ?? tls,
    isTrusted: (request) => senderOf(request) === 'trusted',
    urlOf: (request) => ownOrigin(request) + (request.routeOptions.url ?? ''),
    isAllowed: (origin) => origin !== undefined && allowed.has(origin),

    isForged(request, reply) {
      const hasCustomHeader = customHeaders.some((name) => request.headers[name] !== undefined)
      if (senderOf(request) === 'trusted' && hasCustomHeader) return false
      problem(
        reply,
        403,
        'csrf',
        'Send this from a page of this server or of an allowed origin, with the header X-Requested-With.',
      )
      return true
    },

    guard(app) {
      app.addHook('onRequest', async (request, reply) => {
        // The route as well: it is found under percent-encoded spellings of its address too.
        const isGuarded = [request.url, request.routeOptions.url ?? ''].some((url) => guarded.test(url))
        if (isGuarded && senderOf(request) === 'foreign')
          return problem(reply, 403, 'origin_foreign', 'Pages of this origin may not call this server.')
      })
    },
  }
}
