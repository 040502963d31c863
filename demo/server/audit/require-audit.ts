import type { FastifyInstance } from 'fastify'
import { problem } from '../http/problem.ts'
import type { AuditLog } from './audit-log.ts'

/** Milliseconds for which an answer of the log counts: each looks at files. */
const lookEvery = 1_000

/** Fails closed: what nobody would have a line of does not happen. */
export const requireAudit = (app: FastifyInstance, log: AuditLog): void => {
  let looked = { at: Number.NEGATIVE_INFINITY, trouble: undefined as string | undefined }

  app.addHook('onRequest', async (request, reply) => {
    if (!request.routeOptions.url?.startsWith('/api/')) return
    if (performance.now() - looked.at > lookEvery) looked = { at: performance.now(), trouble: log.trouble() }
    if (looked.trouble === undefined) return
    reply.header('Retry-After', 60)
    return problem(reply, 503, 'audit_unavailable', 'This server does not go on without its audit log.')
  })
}
