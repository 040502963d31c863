import type { FastifyInstance } from 'fastify'
import { applyPublished, noNovel } from '../novel.ts'
import { authenticateAccess } from './authenticate.ts'
import { formatEventId } from './event-id.ts'
import { type EventStore, readAll } from './store.ts'
import type { Tokens } from './tokens.ts'

/**
 * The state that a page fetches when it loads and after a reset: what the stored events add up to, and the id
 * of the last one in it. Folding the log on each request is enough for a demo; a real application has tables.
 */
export const novelRoute = (app: FastifyInstance, store: EventStore, tokens: Tokens): void => {
  app.get('/api/v1/novel', async (request, reply) => {
    const user = await authenticateAccess(request, reply, tokens)
    if (user === undefined) return reply

    let novel = noNovel()
    let { last } = await store.bounds(user)
    for await (const { type, data, position } of readAll(store, user)) {
      novel = applyPublished(novel, type, data)
      last = position
    }
    reply.header('Cache-Control', 'no-store')
    return { novel, last_event_id: formatEventId(store.epoch, last) }
  })
}
