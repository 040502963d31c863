import { Readable } from 'node:stream'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { applyPublished, type Novel, noNovel } from '../../novel.ts'
import type { Authorize } from '../auth/authorize.ts'
import { loginOf } from '../auth/require-access.ts'
import { createInTurn } from '../base/in-turn.ts'
import type { TakeTurn } from '../base/turns.ts'
import type { IsExceeded } from '../http/rate-limits.ts'
import { withinLimit } from '../http/within-limit.ts'
import { unwrap } from '../publish/event-signing.ts'
import { type EventStore, readAll } from '../store/event-store.ts'
import { ownTopicOf } from '../store/topic-names.ts'

export interface NovelRouteOptions {
  store: EventStore
  requireAccess: onRequestAsyncHookHandler
  isExceeded: IsExceeded
  takeTurn: TakeTurn
  authorize: Authorize
}

interface State {
  novel: Novel
  end: string
}

/** Milliseconds of folding before others have their turn. */
const slice = 4

/** The text of `{ novel, last_event_id }`, a chapter at a time: a whole novel is no slice. */
async function* write({ novel, end }: State, takeTurn: TakeTurn): AsyncGenerator<string> {
  const { chapters, ...rest } = novel
  yield `{"novel":{${JSON.stringify(rest).slice(1, -1)},"chapters":[`
  for (const [index, chapter] of chapters.entries()) {
    await takeTurn()
    yield (index > 0 ? ',' : '') + JSON.stringify(chapter)
  }
  yield `]},"last_event_id":${JSON.stringify(end)}}`
}

/**
 * The state that a page fetches when it loads and after a reset: what the stored events add up to, and the id of the last
 * one in it. Folding the log on each request is enough for a demo; a real application has tables. The state is bounded
 * (novel.ts), so that the fold takes a time that grows as the log does; a user's requests wait for each
 * other. They do not share an answer: who has been told of a reset must not get what was read before it.
 */
export const novelRoute = (app: FastifyInstance, options: NovelRouteOptions): void => {
  const { store, requireAccess, isExceeded, takeTurn, authorize } = options
  const inTurn = createInTurn()

  const fold = async (user: string): Promise<State> => {
    let novel = noNovel()
    let end = await store.head()
    let since = performance.now()
    for await (const event of readAll(store, ownTopicOf(user))) {
      const { type, data, id, signed } = event
      // What the stream would not send is not told here either.
      if (await authorize(user, event)) novel = applyPublished(novel, type, signed ? unwrap(data) : data)
      end = id
      if (performance.now() - since < slice) continue
      await takeTurn()
      since = performance.now()
    }
    return { novel, end }
  }

  app.get(
    '/api/v1/novel',
    { onRequest: [requireAccess, withinLimit(isExceeded)] },
    async (request, reply) => {
      const { user } = loginOf(request)
      const state = await inTurn(user, () => fold(user))
      reply.header('Cache-Control', 'no-store').type('application/json; charset=utf-8')
      return reply.send(Readable.from(write(state, takeTurn)))
    },
  )
}
