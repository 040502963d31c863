import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problem, refusal } from '../http/problem.ts'
import { topicsPath } from '../http/stream-path.ts'
import type { Want, WantedTopics } from '../store/leases.ts'
import type { AdmitStream, Admitted } from './admit-stream.ts'
import type { StreamRegistry } from './stream-registry.ts'

export interface TopicsRouteOptions {
  /** Counts changes of topics, and not streams. */
  admit: AdmitStream
  registry: StreamRegistry
}

/** Names in one set: what is beyond the topics of a stream is refused one by one, but not without end. */
const mostNames = 1_000
/** Bytes: 100 names of 200 bytes, each byte as an escape of six. */
const bodyLimit = 128 * 1024

/** The address at which the client of a stream changes its topics, as `Stream-Topics` tells. */
export const topicsUrlOf = (id: string): string => `${topicsPath}?stream=${id}`

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks for other topics, on the route that does so. */
    admitted: Admitted | null
  }
}

const parseBody = (body: unknown): WantedTopics => {
  const { rev, topics } = Object(body) as Record<string, unknown>
  if (!Number.isSafeInteger(rev) || (rev as number) < 1)
    throw refusal(400, 'rev_invalid', '"rev" is a whole number from 1 on, larger with each request.')
  if (!Array.isArray(topics) || !topics.every((topic) => typeof topic === 'string'))
    throw refusal(400, 'topics_invalid', '"topics" is an array of names: the whole set.')
  if (topics.length > mostNames)
    throw refusal(413, 'too_many_topics', `A set has ${mostNames} names at most.`)
  return { rev: rev as number, topics }
}

const answer = (reply: FastifyReply, want: Want) => {
  switch (want) {
    case 'taken':
      return reply.code(202).send()
    case 'stale':
      return problem(reply, 409, 'rev_stale', 'A set of that "rev" or a later one is known.')
    case 'gone':
      return problem(reply, 404, 'stream_unknown', 'There is no such stream now. Open one with the topics.')
  }
}

/**
 * Another set of topics for a stream that is open (R8). Any node takes it: the stream's own hears of it by the lease. The
 * stream tells what has become of it.
 */
export const topicsRoute = (app: FastifyInstance, { admit, registry }: TopicsRouteOptions): void => {
  app.decorateRequest('admitted', null)

  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    request.admitted = (await admit(request, reply)) ?? null
    if (request.admitted === null) return reply
    if (request.admitted.client === null)
      return problem(reply, 400, 'client_missing', 'Send the Stream-Client of the stream.')
    return
  }

  app.put(topicsPath, { onRequest, bodyLimit }, async (request, reply) => {
    const { login, client } = request.admitted!
    const { stream } = request.query as { stream?: unknown }
    const wanted = parseBody(request.body)
    const id = typeof stream === 'string' ? stream : ''
    return answer(reply, await registry.want({ id, user: login.user, client }, wanted))
  })
}
