import type { Endpoint } from 'comlink'
import type { Process } from './process.ts'
import { turn } from './turns.ts'

type OnMessage = (event: MessageEvent) => void

/** What comlink needs of a port, and no more. */
export interface FakePort extends Endpoint {
  close(): void
}

/**
 * A MessageChannel between a page and a worker. Node's own would do, but for when its messages come: here each is
 * cloned, and comes in order, a turn later, so that a seed repeats a run. The worker takes its messages as its tasks.
 *
 * @param onWay changes what the page sends on its way
 */
export const createFakePorts = (
  worker: Process,
  onWay: (message: unknown) => unknown = (message) => message,
): { page: FakePort; worker: FakePort } => {
  let closed = false
  const end = (
    listeners: Set<OnMessage>,
    peer: Set<OnMessage>,
    arrive: (run: () => void) => void,
  ): FakePort => ({
    postMessage(message) {
      if (closed) return
      const data = structuredClone(message)
      const tell = () => {
        if (closed) return
        for (const listener of [...peer]) listener({ data, origin: '', ports: [] } as unknown as MessageEvent)
      }
      void turn().then(() => arrive(tell))
    },
    addEventListener: (_type, listener) => void listeners.add(listener as OnMessage),
    removeEventListener: (_type, listener) => void listeners.delete(listener as OnMessage),
    start() {},
    close() {
      closed = true
    },
  })
  const [ofPage, ofWorker] = [new Set<OnMessage>(), new Set<OnMessage>()]
  const page = end(ofPage, ofWorker, (tell) => worker.enter('port', tell))
  return {
    page: { ...page, postMessage: (message) => page.postMessage(onWay(message)) },
    worker: end(ofWorker, ofPage, (tell) => worker.isDead() || tell()),
  }
}
