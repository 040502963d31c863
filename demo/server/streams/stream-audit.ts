import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts'
import type { Authenticated } from '../auth/tokens.ts'
import { streamPath } from '../http/stream-path.ts'
import type { EndReason } from './event-stream.ts'

const header = (request: FastifyRequest, name: string): string | null => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

/** From where, and as what: all of it is what the client says, but for the address. */
const sourceOf = (request: FastifyRequest) => ({
  address: request.ip,
  origin: header(request, 'origin'),
  client: header(request, 'stream-client'),
  agent: header(request, 'user-agent'),
  lastEventId: header(request, 'last-event-id'),
})

export interface StreamAuditOptions {
  log: AuditLog
  now: () => number
  random: (bytes: number) => Buffer
}

export interface StreamAudit {
  /** Returns what to call when the stream ends. */
  opened(
    request: FastifyRequest,
    login: Authenticated,
    resume: string,
  ): (reason: EndReason, events: number) => void
  /** The place was lost between the claim and the answer: nothing was sent, so nobody is told. */
  lost(request: FastifyRequest, login: Authenticated): void
}

/** One line when a stream opens and one when it ends; one line for a request that opens none. */
export const createStreamAudit = (
  app: FastifyInstance,
  { log, now, random }: StreamAuditOptions,
): StreamAudit => {
  app.addHook('onResponse', async (request, reply) => {
    // A stream that has ended comes by here as well, without a problem.
    if (request.routeOptions.url !== streamPath || reply.problem === null) return
    log.write({
      event: 'refused',
      user: request.user,
      ...sourceOf(request),
      status: reply.statusCode,
      reason: reply.problem,
    })
  })

  return {
    opened(request, { user, id: session }, resume) {
      const openedAt = now()
      const who: Omit<AuditEntry, 'event'> = {
        stream: random(8).toString('hex'),
        user,
        session,
        ...sourceOf(request),
      }
      log.write({ event: 'opened', ...who, resume })
      return (reason, events) =>
        log.write({
          event: reason === 'replaced' ? 'replaced' : 'ended',
          ...who,
          reason,
          events,
          milliseconds: now() - openedAt,
        })
    },

    lost: (request, { user, id: session }) =>
      log.write({
        event: 'refused',
        user,
        session,
        ...sourceOf(request),
        status: null,
        reason: 'gone_before_open',
      }),
  }
}
