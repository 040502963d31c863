import type { OpenVariant } from './variant.ts'

/** As fast as a SharedWorker can be: nothing is kept, parsed events go out a hundred at a time, unanswered. */
export const rawBatches: OpenVariant = (url, { run, hear, opened }) => {
  const { port } = new SharedWorker(new URL('../workers/raw-batches.ts', import.meta.url), {
    type: 'module',
    name: run,
  })
  port.onmessage = ({ data }) => {
    if (data === null) return opened()
    for (const event of data) hear(event.data)
  }
  port.postMessage(url)
}
