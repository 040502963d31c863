import { createVerifier } from 'tabstream/verify'
import { serve } from 'tabstream/worker'
import { FAULT_CHANNEL, type WorkerFault } from './record.ts'

serve({ verifier: createVerifier })

// Works in every engine, where a debugger's ways to kill a worker do not.
new BroadcastChannel(FAULT_CHANNEL).onmessage = ({ data }: MessageEvent<WorkerFault>) => {
  if (data === 'close') self.close()
  for (;;) if (data !== 'wedge') break
}
