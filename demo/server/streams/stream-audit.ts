import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts'
import type { Refusals } from '../audit/refusals.ts'
import { lastEventIdOf, sourceOf } from '../audit/request-source.ts'
import type { Authenticated } from '../auth/tokens.ts'
import { streamPath, topicsPath } from '../http/stream-path.ts'
import type { EndReason } from './event-stream.ts'

export interface StreamAuditOptions {
  log: AuditLog
  refusals: Refusals
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

const source = (request: FastifyRequest) => ({ ...sourceOf(request), lastEventId: lastEventIdOf(request) })

/** One line when a stream opens and one when it ends; one line for a request that opens none. */
export const createStreamAudit = (
  app: FastifyInstance,
  { log, refusals, now, random }: StreamAuditOptions,
): StreamAudit => {
  app.addHook('onResponse', async (request, reply) => {
    // A stream that has ended comes by here as well, without a problem.
    const isOfStream = [streamPath, topicsPath].includes(request.routeOptions.url ?? '')
    if (!isOfStream || reply.problem === null) return
    const { user } = request
    const { statusCode: status, problem: reason } = reply
    refusals.write({ event: 'refused', user, ...source(request), status, reason }, user)
  })

  return {
    opened(request, { user, id: session }, resume) {
      const openedAt = now()
      const who: Omit<AuditEntry, 'event'> = {
        stream: random(8).toString('hex'),
        user,
        session,
        ...source(request),
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
        ...source(request),
        status: null,
        reason: 'gone_before_open',
      }),
  }
}
