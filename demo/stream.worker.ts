import { serve } from 'tabstream/worker'
import { WORKER_CHANNEL } from './worker-channel.ts'

serve()

// The demo's button. No page can end a SharedWorker, and whoever can send this could load a worker of its own.
new BroadcastChannel(WORKER_CHANNEL).onmessage = ({ data }: MessageEvent<unknown>) => {
  if (data === 'die') self.close()
}
