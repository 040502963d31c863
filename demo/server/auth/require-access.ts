import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { authenticateAccess } from './authenticate.ts'
import type { Authenticated, Tokens } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose access token the request carries, on routes with `requireAccess`. */
    login: Authenticated | null
  }
}

/** Of a route with `requireAccess`. */
export const loginOf = ({ login }: FastifyRequest): Authenticated => login!

/**
 * An `onRequest` hook for routes that need an access token. It runs before a byte of the body is read: a stranger makes
 * the server read, hold and parse nothing.
 */
export const createRequireAccess = (app: FastifyInstance, tokens: Tokens): onRequestAsyncHookHandler => {
  app.decorateRequest('login', null)
  return async (request, reply) => {
    request.login = (await authenticateAccess(request, reply, tokens)) ?? null
    if (request.login === null) return reply
    return
  }
}
