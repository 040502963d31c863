import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import type { Origins } from './origins.ts'

export interface SecurityHeadersOptions {
  origins: Origins
  /** Names of the policies that may make script URLs. None: Trusted Types are not asked for. */
  trustedTypes: readonly string[]
}

/**
 * The policy that the demo page lives under: everything from here, nothing inline, workers from here too. With
 * Trusted Types `new SharedWorker(url)` needs a TrustedScriptURL, so that text from a user can't choose a worker.
 */
const contentSecurityPolicy = (trustedTypes: readonly string[]) => ({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    workerSrc: ["'self'"],
    connectSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    // The demo shows tabs side by side as frames of itself.
    frameSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'self'"],
    ...(trustedTypes.length > 0
      ? { requireTrustedTypesFor: ["'script'"], trustedTypes: [...trustedTypes] }
      : {}),
  },
})

/** CORS answers go to the origins of the list, and to no other is anything said but `Vary: Origin`. */
export const securityHeaders = async (
  app: FastifyInstance,
  { origins, trustedTypes }: SecurityHeadersOptions,
) => {
  await app.register(helmet, {
    contentSecurityPolicy: contentSecurityPolicy(trustedTypes),
    // On plain http browsers ignore HSTS, and on a loopback host it would hit every other local server.
    strictTransportSecurity: origins.isSecure && { maxAge: 31_536_000 },
  })
  await app.register(cors, {
    delegator: (request, done) =>
      done(null, {
        // One string or nothing. A list would do as well, but says `Allow-Credentials` to strangers too.
        origin: origins.isAllowed(request.headers.origin) ? request.headers.origin! : false,
        credentials: true,
        methods: ['GET', 'POST', 'PUT'],
        allowedHeaders: [
          'Authorization',
          'Content-Type',
          'DPoP',
          'Idempotency-Key',
          'Last-Event-ID',
          'Stream-Client',
          'X-Requested-With',
        ],
        // `Date`: an answer's age is told by the server's own clock.
        exposedHeaders: ['Date', 'Retry-After', 'Stream-Resume', 'Stream-Topics', 'Stream-User'],
        maxAge: 600,
      }),
  })
}
