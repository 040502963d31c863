import type { FastifyRequest } from 'fastify'
import type { AuditEvent, AuditLog } from '../audit/audit-log.ts'
import type { Refusals } from '../audit/refusals.ts'
import { sourceOf } from '../audit/request-source.ts'
import type { Session } from './tokens.ts'

/** A line for each thing that happens to a log-in. */
export interface AuthAudit {
  happened(
    event: Extract<AuditEvent, 'logged-in' | 'exchanged' | 'renewed' | 'refresh-token-reused' | 'logged-out'>,
    request: FastifyRequest,
    login: Session,
  ): void
  /** @param user as whom somebody tried to log in; nobody has shown to be that user, so the address is what counts */
  failed(request: FastifyRequest, user: string): void
  /** Every token of a user was revoked, by an operator. */
  userRevoked(user: string): void
}

export interface AuthAuditOptions {
  log: AuditLog
  refusals: Refusals
}

export const createAuthAudit = ({ log, refusals }: AuthAuditOptions): AuthAudit => ({
  happened: (event, request, { user, id: session }) =>
    log.write({ event, user, session, ...sourceOf(request) }),
  failed: (request, user) =>
    refusals.write({ event: 'log-in-failed', user, ...sourceOf(request), reason: 'login_refused' }, null),
  userRevoked: (user) => log.write({ event: 'user-revoked', user }),
})
