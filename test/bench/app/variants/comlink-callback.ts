import { proxy, wrap } from 'comlink'
import type { CallbackHub } from '../workers/comlink-callback.ts'
import type { OpenVariant } from './variant.ts'

/** A callback for comlink, called once an event. */
export const comlinkCallback: OpenVariant = (url, { run, hear, opened }) => {
  const { port } = new SharedWorker(new URL('../workers/comlink-callback.ts', import.meta.url), {
    type: 'module',
    name: run,
  })
  void wrap<CallbackHub>(port).subscribe(url, proxy(hear), proxy(opened))
}
