import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { loginOf } from '../auth/require-access.ts'
import { problem } from '../http/problem.ts'
import type { IsExceeded } from '../http/rate-limits.ts'
import { withinLimit } from '../http/within-limit.ts'
import type { Pipeline } from './pipeline.ts'

export interface PipelineRouteOptions {
  pipeline: Pipeline
  requireAccess: onRequestAsyncHookHandler
  /** Counts as publishing, which it does. */
  isExceeded: IsExceeded
}

/** Starts and stops the writing for the logged-in user. */
export const pipelineRoute = (app: FastifyInstance, options: PipelineRouteOptions): void => {
  const { pipeline, requireAccess, isExceeded } = options
  app.post(
    '/api/v1/pipeline',
    { onRequest: [requireAccess, withinLimit(isExceeded)] },
    async (request, reply) => {
      const { user } = loginOf(request)
      const { action } = (request.body ?? {}) as { action?: unknown }
      if (action === 'start') return { state: await pipeline.start(user) }
      if (action === 'stop') return { state: await pipeline.stop(user) }
      return problem(reply, 400, 'action_unknown', 'Send { "action": "start" } or { "action": "stop" }.')
    },
  )
}
