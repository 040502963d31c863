import type { Fault } from './fault.ts'
import { breakAndCount } from './measure.ts'

const published = 20

export const cut: Fault = {
  id: 'cut',
  title: 'Cut the connection',
  claim: `The server destroys the socket and publishes ${published} events. The worker comes back after the last event that it had.`,
  run: (context) =>
    breakAndCount(context, published, async () => {
      await context.server.post('drop')
      return context.server.publish(published)
    }),
}
