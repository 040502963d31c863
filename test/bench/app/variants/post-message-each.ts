import type { OpenVariant } from './variant.ts'

/** A plain SharedWorker with an EventSource, and one `postMessage` an event and port: what most people write. */
export const postMessageEach: OpenVariant = (url, { run, hear, opened }) => {
  const { port } = new SharedWorker(new URL('../workers/post-message-each.ts', import.meta.url), {
    type: 'module',
    name: run,
  })
  port.onmessage = ({ data }) => (data === null ? opened() : hear(data.data))
  port.postMessage(url)
}
