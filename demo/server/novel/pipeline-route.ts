import type { FastifyInstance } from 'fastify'
import { authenticateAccess } from '../auth/authenticate.ts'
import type { Tokens } from '../auth/tokens.ts'
import { problem } from '../http/problem.ts'
import type { Pipeline } from './pipeline.ts'

/** Starts and stops the writing for the logged-in user. */
export const pipelineRoute = (app: FastifyInstance, pipeline: Pipeline, tokens: Tokens): void => {
  app.post('/api/v1/pipeline', async (request, reply) => {
    const login = await authenticateAccess(request, reply, tokens)
    if (!login) return reply
    const { user } = login
    const { action } = (request.body ?? {}) as { action?: unknown }
    if (action === 'start') return { state: await pipeline.start(user) }
    if (action === 'stop') return { state: await pipeline.stop(user) }
    return problem(reply, 400, 'action_unknown', 'Send { "action": "start" } or { "action": "stop" }.')
  })
}
