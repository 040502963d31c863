import type { FastifyInstance } from 'fastify'
import { applyPublished, noNovel } from '../../novel.ts'
import { authenticateAccess } from '../auth/authenticate.ts'
import type { Authorize } from '../auth/authorize.ts'
import type { Tokens } from '../auth/tokens.ts'
import { unwrap } from '../publish/event-signing.ts'
import { type EventStore, readAll } from '../store/event-store.ts'

export interface NovelRouteOptions {
  store: EventStore
  tokens: Tokens
  authorize: Authorize
}

/**
 * The state that a page fetches when it loads and after a reset: what the stored events add up to, and the id
 * of the last one in it. Folding the log on each request is enough for a demo; a real application has tables.
 */
export const novelRoute = (app: FastifyInstance, { store, tokens, authorize }: NovelRouteOptions): void => {
  app.get('/api/v1/novel', async (request, reply) => {
    const login = await authenticateAccess(request, reply, tokens)
    if (!login) return reply
    const { user } = login

    let novel = noNovel()
    let { end } = await store.bounds(user)
    for await (const event of readAll(store, user)) {
      const { type, data, id, signed } = event
      // What the stream would not send is not told here either.
      if (await authorize(user, event)) novel = applyPublished(novel, type, signed ? unwrap(data) : data)
      end = id
    }
    reply.header('Cache-Control', 'no-store')
    return { novel, last_event_id: end }
  })
}
