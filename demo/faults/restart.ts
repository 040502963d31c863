import type { Fault } from './fault.ts'
import { breakAndCount } from './measure.ts'

const published = 20

export const restart: Fault = {
  id: 'restart',
  title: 'Restart the server',
  claim: `Its listener and all of its sockets close for 1.5 s. ${published} events are written meanwhile; the same port goes on with the same log.`,
  run: (context) =>
    breakAndCount(context, published, async () => {
      const before = await context.server.look()
      await context.server.post('restart', { milliseconds: 1_500, count: published })
      return (before?.published ?? 0) + published
    }),
}
