import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { eventTypes, isEventType } from '../../catalogue.ts'
import type { AuthorizePublish } from '../auth/authorize-topic.ts'
import { loginOf } from '../auth/require-access.ts'
import type { TakeTurn } from '../base/turns.ts'
import { problem, refusal } from '../http/problem.ts'
import type { IsExceeded } from '../http/rate-limits.ts'
import { withinLimit } from '../http/within-limit.ts'
import { isPublishableTopic, ownTopicOf } from '../store/topic-names.ts'
import { deepest } from './event-rules.ts'
import type { Publish, PublishedEvent } from './publisher.ts'
import { createEventSplitter, type Refusal } from './split-events.ts'

export interface PublishRouteOptions {
  publish: Publish
  requireAccess: onRequestAsyncHookHandler
  isExceeded: IsExceeded
  takeTurn: TakeTurn
  /** Characters of JSON. */
  maxPayload: number
  authorize: AuthorizePublish
}

const maxEvents = 1000
const bodyLimit = 4 * 1024 * 1024
/** Bytes of an event for each character that its payload may have: a character may be written as `\u0041`. */
const bytesPerCharacter = 6

/** Milliseconds of work before others have their turn. */
const slice = 4

const refused = ({ reason, index }: Refusal, maxPayload: number): Error => {
  const named = `Event ${index}: `
  switch (reason) {
    case 'body_too_large':
      return refusal(413, reason, `A request is limited to ${bodyLimit} bytes. Send several.`)
    case 'event_too_large':
      return tooLarge(index, maxPayload)
    case 'too_many':
      return refusal(400, 'events_count', `Send one event, or an array of 1 to ${maxEvents}.`)
    case 'too_deep':
      return refusal(400, reason, `${named}"data" is nested more than ${deepest} levels deep.`)
    case 'malformed':
      return refusal(400, 'json_invalid', `${named}that is not JSON.`)
  }
}

const tooLarge = (index: number, maxPayload: number) =>
  refusal(
    413,
    'event_too_large',
    `Event ${index}: "data" is limited to ${maxPayload} characters of JSON. Publish a reference instead.`,
  )

const parseEvent = (text: string, index: number, maxPayload: number): PublishedEvent => {
  let input: { type?: unknown; data?: unknown; topic?: unknown } | null
  try {
    input = JSON.parse(text) as typeof input
  } catch {
    throw refused({ reason: 'malformed', index }, maxPayload)
  }
  const { type, data, topic } = input ?? {}
  if (!isEventType(type))
    throw refusal(400, 'type_unknown', `Event ${index}: "type" is one of ${eventTypes.join(', ')}.`)
  if (data === undefined)
    throw refusal(400, 'data_missing', `Event ${index}: "data" can be any JSON, but has to be there.`)
  if (topic !== undefined && typeof topic !== 'string')
    throw refusal(400, 'topic_invalid', `Event ${index}: "topic" is a name, or left out.`)
  const json = JSON.stringify(data)
  if (json.length > maxPayload) throw tooLarge(index, maxPayload)
  // Not `data`: the objects of twenty such bodies would keep the garbage collector, and so the node, busy for seconds.
  return { type, json, ...(topic === undefined ? {} : { topic }) }
}

/** Reads a body event by event, a slice at a time. */
const createParser = (takeTurn: TakeTurn, maxPayload: number) => {
  const limits = {
    eventBytes: 1024 + maxPayload * bytesPerCharacter,
    bodyBytes: bodyLimit,
    events: maxEvents,
    // The event itself is a level.
    depth: deepest + 1,
  }
  return async (_request: FastifyRequest, payload: IncomingMessage): Promise<PublishedEvent[]> => {
    const splitter = createEventSplitter(limits)
    const events: PublishedEvent[] = []
    let since = performance.now()

    const takeIn = async (found: string[] | Refusal) => {
      if (!Array.isArray(found)) throw refused(found, maxPayload)
      for (const text of found) {
        events.push(parseEvent(text, events.length, maxPayload))
        if (performance.now() - since < slice) continue
        await takeTurn()
        since = performance.now()
      }
    }

    // Left as it is where this ends early: to destroy it would end the connection before the answer.
    for await (const bytes of payload.iterator({ destroyOnReturn: false })) {
      await takeTurn()
      since = performance.now()
      await takeIn(splitter.push(bytes as Uint8Array))
    }
    await takeIn(splitter.end())
    return events
  }
}

/** A user publishes to the own topic, and to those that `authorize` allows. There is no way to name another user. */
export const publishRoute = (app: FastifyInstance, options: PublishRouteOptions): void => {
  const { publish, requireAccess, isExceeded, takeTurn, maxPayload, authorize } = options

  const assertMayPublish = async (user: string, events: readonly PublishedEvent[]) => {
    const topics = new Set(events.flatMap(({ topic }) => topic ?? []))
    topics.delete(ownTopicOf(user))
    // The publisher says what is wrong with a name.
    for (const topic of topics)
      if (isPublishableTopic(topic) && !(await authorize(user, topic)))
        throw refusal(403, 'topic_forbidden', 'A topic is not yours to publish to. Nothing was published.')
  }

  app.register(async (route) => {
    route.removeContentTypeParser('application/json')
    route.addContentTypeParser('application/json', createParser(takeTurn, maxPayload))

    route.post(
      '/api/v1/events',
      { onRequest: [requireAccess, withinLimit(isExceeded)] },
      async (request, reply) => {
        const name = request.headers['idempotency-key']
        if (name !== undefined && !(typeof name === 'string' && /^[\x21-\x7e]{1,64}$/.test(name)))
          return problem(reply, 400, 'key_invalid', 'Idempotency-Key is 1 to 64 visible ASCII characters.')
        const events = (request.body ?? []) as PublishedEvent[]
        if (events.length === 0) throw refused({ reason: 'too_many', index: 0 }, maxPayload)
        const { user } = loginOf(request)
        await assertMayPublish(user, events)
        return reply.code(201).send({ ids: await publish(user, events, name) })
      },
    )
  })
}
