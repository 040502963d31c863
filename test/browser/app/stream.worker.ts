import { createVerifier } from 'tabstream/verify'
import { serve } from 'tabstream/worker'
import { FAULT_CHANNEL, type WorkerFault } from './record.ts'

serve({ verifier: createVerifier })

/** For ever, and without a core, which a loop would take for as long as the browser lives. */
const hang = () => {
  try {
    // The one shared memory that a page has which is not isolated.
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
    Atomics.wait(new Int32Array(buffer), 0, 0)
  } catch {
    // Firefox has none: a loop, for longer than a tab waits for its hub.
    for (const end = Date.now() + 30_000; Date.now() < end; );
  }
}

// Works in every engine, where a debugger's ways to kill a worker do not.
new BroadcastChannel(FAULT_CHANNEL).onmessage = ({ data }: MessageEvent<WorkerFault>) => {
  if (data === 'close') self.close()
  if (data === 'wedge') hang()
}
