import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

/** The policy that the demo page lives under: everything from here, nothing inline, workers from here too. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    workerSrc: ["'self'"],
    connectSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'self'"],
  },
}

/** `allowedOrigins` are compared as a whole. None: the browser's same-origin rule is left as it is. */
export const securityHeaders = async (app: FastifyInstance, allowedOrigins: readonly string[]) => {
  // HSTS on plain http is ignored by browsers, and on a loopback host it would hit every other local server.
  await app.register(helmet, { contentSecurityPolicy, strictTransportSecurity: false })
  if (allowedOrigins.length === 0) return
  await app.register(cors, {
    origin: [...allowedOrigins],
    credentials: true,
    methods: ['GET', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Last-Event-ID', 'Stream-Client'],
    exposedHeaders: ['Stream-Resume', 'Retry-After'],
    maxAge: 600,
  })
}
