import { number, time } from '../format.ts'
import type { Fault } from './fault.ts'
import { countLosses, isWhole, tell } from './measure.ts'

const published = 10_000

export const burst: Fault = {
  id: 'burst',
  title: 'Burst of 10,000 events',
  claim:
    'At once, over the one connection. They are packed once for all tabs, and no tab is outrun by the log of 5,000.',
  run: async (context) => {
    const counted = countLosses(context)
    const last = await context.server.publish(published)
    const stored = performance.now()
    const losses = await counted(last)
    const took = Math.max(1, performance.now() - stored)
    const rate = Math.round((published * losses.tabs * 1_000) / took / 100) * 100
    return {
      kept: isWhole(losses),
      text: `All of them everywhere ${time(took)} after they were stored: ${number(rate)} deliveries a second. ${tell(published, losses)}`,
    }
  },
}
