import type { FastifyInstance } from 'fastify'
import type { EventSigning } from './event-signing.ts'

/**
 * The public keys (RFC 7517). Cached for five minutes: a client that meets an unknown `kid` asks anew, and must not
 * meet a node that hasn't heard of the key, so each request looks.
 */
export const jwksRoute = (app: FastifyInstance, signing: EventSigning): void => {
  app.get('/.well-known/jwks.json', async (_, reply) => {
    await signing.refresh()
    reply.header('Cache-Control', 'public, max-age=300')
    return signing.jwks()
  })
}
