import type { onRequestAsyncHookHandler } from 'fastify'
import type { IsExceeded } from './rate-limits.ts'

/** The same as an `onRequest` hook: beyond the limit nothing more of the request is read. */
export const withinLimit =
  (isExceeded: IsExceeded): onRequestAsyncHookHandler =>
  async (request, reply) => {
    if (await isExceeded(request, reply)) return reply
    return
  }
