import { time } from '../format.ts'
import { heartbeat } from '../line.ts'
import type { Fault } from './fault.ts'
import { breakAndCount } from './measure.ts'

const published = 20
const duration = 8_000

export const blackHole: Fault = {
  id: 'black-hole',
  title: 'Black-hole the network',
  claim: `For ${time(duration)} the server neither writes to the stream nor reads from it, and closes nothing. Only the heartbeat can notice (${time(heartbeat.timeout)} here; by default it follows the server's rhythm).`,
  run: async (context) => {
    const outcome = await breakAndCount(context, published, async () => {
      await context.server.post('black-hole', { milliseconds: duration })
      return context.server.publish(published)
    })
    return { ...outcome, text: `Noticed after ${time(outcome.noticed)}: ${outcome.text}` }
  },
}
