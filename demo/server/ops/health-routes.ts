import type { FastifyInstance } from 'fastify'
import { problem } from '../http/problem.ts'

export interface HealthOptions {
  /** Writes. Rejects where what the node stands on doesn't answer, or takes no more. */
  check: () => Promise<unknown>
  /** What has happened to the audit log; undefined: nothing. */
  auditTrouble: () => string | undefined
  isDraining: () => boolean
}

/** Milliseconds that a check may take. */
const limit = 2_000

/**
 * /healthz: the process answers; restart it if it doesn't. /readyz: it can serve streams; send it none if it can't. The
 * first doesn't ask Redis: to restart every node because Redis is away would only end the streams that wait for it.
 */
export const healthRoutes = (
  app: FastifyInstance,
  { check, auditTrouble, isDraining }: HealthOptions,
): void => {
  let checking: Promise<void> | undefined

  const checkInTime = async () => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((_, reject) => {
      timer = setTimeout(reject, limit, new Error('No answer in time'))
    })
    try {
      await Promise.race([check(), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Probes that come together share an answer: each check is a write to a disk. */
  const checkOnce = (): Promise<void> => {
    checking ??= checkInTime().finally(() => {
      checking = undefined
    })
    return checking
  }

  app.get('/healthz', async (_, reply) => {
    reply.header('Cache-Control', 'no-store')
    return { status: 'ok' }
  })

  app.get('/readyz', async (_, reply) => {
    reply.header('Cache-Control', 'no-store')
    if (isDraining()) return problem(reply, 503, 'draining', 'This node is about to go.')
    try {
      await checkOnce()
    } catch {
      return problem(reply, 503, 'unavailable', 'What this server stands on does not answer, or is full.')
    }
    const trouble = auditTrouble()
    if (trouble !== undefined)
      return problem(reply, 503, 'audit_log', `The audit log is not as this server left it. ${trouble}.`)
    return { status: 'ready' }
  })
}
