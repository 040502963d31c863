import { flushSync, mount, unmount } from 'svelte'
import * as hooks from '../../../../src/svelte.ts'
import type { Client } from './adapter.ts'
import Provider from './Provider.svelte'
import { state } from './state.svelte.js'

const client: Client = {
  hooks: hooks as unknown as Client['hooks'],
  mount(container, provide, use) {
    const mounted = mount(Provider, { target: container, props: { provide, use } })
    flushSync()
    return () => unmount(mounted)
  },
  read: (value) => (value as hooks.Current<unknown>).current,
  state,
  async settle() {
    flushSync()
    // What Svelte stops listening to, it stops a microtask later.
    await null
    flushSync()
  },
}
export default client
