import { createComponent, createSignal } from 'solid-js'
import { render } from 'solid-js/web'
import * as hooks from '../../../../src/solid.ts'
import type { Client } from './adapter.ts'

const client: Client = {
  hooks: hooks as unknown as Client['hooks'],
  mount: (container, provide, use) =>
    render(
      () =>
        createComponent(hooks.StreamProvider, {
          ...(provide as object),
          get children() {
            return createComponent(() => use() as never, {})
          },
        }),
      container,
    ),
  read: (value) => (value as () => unknown)(),
  state(first) {
    const [followed, set] = createSignal(first)
    return { followed, get: followed, set }
  },
  settle: async () => {},
}
export default client
