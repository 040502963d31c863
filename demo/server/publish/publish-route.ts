import type { FastifyInstance } from 'fastify'
import { eventTypes, isEventType } from '../../catalogue.ts'
import { authenticateAccess } from '../auth/authenticate.ts'
import type { Tokens } from '../auth/tokens.ts'
import { problem } from '../http/problem.ts'
import type { Publish, PublishedEvent } from './publisher.ts'

export interface PublishRouteOptions {
  publish: Publish
  tokens: Tokens
  /** Characters of JSON. */
  maxPayload: number
}

const maxEvents = 1000

/** A user publishes to the own log. There is no way to name another user. */
export const publishRoute = (
  app: FastifyInstance,
  { publish, tokens, maxPayload }: PublishRouteOptions,
): void => {
  app.post('/api/v1/events', { bodyLimit: 4 * 1024 * 1024 }, async (request, reply) => {
    const login = await authenticateAccess(request, reply, tokens)
    if (!login) return reply

    const once = request.headers['idempotency-key']
    if (once !== undefined && !(typeof once === 'string' && /^[\x21-\x7e]{1,64}$/.test(once)))
      return problem(reply, 400, 'key_invalid', 'Idempotency-Key is 1 to 64 visible ASCII characters.')

    const inputs = Array.isArray(request.body) ? request.body : [request.body]
    if (inputs.length === 0 || inputs.length > maxEvents)
      return problem(reply, 400, 'events_count', `Send one event, or an array of 1 to ${maxEvents}.`)

    const events: PublishedEvent[] = []
    for (const [index, input] of inputs.entries()) {
      const { type, data } = (input ?? {}) as { type?: unknown; data?: unknown }
      if (!isEventType(type))
        return problem(
          reply,
          400,
          'type_unknown',
          `Event ${index}: "type" is one of ${eventTypes.join(', ')}.`,
        )
      if (data === undefined)
        return problem(
          reply,
          400,
          'data_missing',
          `Event ${index}: "data" can be any JSON, but has to be there.`,
        )
      if (JSON.stringify(data).length > maxPayload)
        return problem(
          reply,
          413,
          'event_too_large',
          `Event ${index}: "data" is limited to ${maxPayload} characters of JSON. Publish a reference instead.`,
        )
      events.push({ type, data })
    }
    return reply.code(201).send({ ids: await publish(login.user, events, once) })
  })
}
