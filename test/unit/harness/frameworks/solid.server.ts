import { createComponent } from 'solid-js'
import { renderToStringAsync } from 'solid-js/web'
import * as hooks from '../../../../src/solid.ts'
import type { Server } from './adapter.ts'

const server: Server = {
  hooks: hooks as unknown as Server['hooks'],
  read: (value) => (value as () => unknown)(),
  render: (provide, use) =>
    renderToStringAsync(() =>
      createComponent(hooks.StreamProvider, {
        ...(provide as object),
        get children() {
          return createComponent(() => use()() as never, {})
        },
      }),
    ),
}
export default server
