import { WORKER_CHANNEL } from '../worker-channel.ts'
import type { Fault, FaultContext } from './fault.ts'
import { breakAndCount } from './measure.ts'

const published = 20

const incarnationOf = async (context: FaultContext) =>
  (await context.readHub())?.inspection.incarnation.slice(0, 8) ?? '?'

export const killWorker: Fault = {
  id: 'kill-worker',
  title: 'Kill the worker',
  claim:
    'The SharedWorker ends itself without a word, as in a crash. The tabs notice by its lock, start another, and go on from their cursors.',
  run: async (context) => {
    const before = await incarnationOf(context)
    const outcome = await breakAndCount(context, published, async () => {
      const channel = new BroadcastChannel(WORKER_CHANNEL)
      channel.postMessage('die')
      channel.close()
      return context.server.publish(published)
    })
    const after = await incarnationOf(context)
    return {
      kept: outcome.kept && before !== after,
      text: `Worker ${before} is dead, ${after} has its place. ${outcome.text}`,
    }
  },
}
