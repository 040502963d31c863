import { createSSRApp, defineComponent, h, type Ref } from 'vue'
import { renderToString } from 'vue/server-renderer'
import * as hooks from '../../../../src/vue.ts'
import type { Server } from './adapter.ts'

const server: Server = {
  hooks: hooks as unknown as Server['hooks'],
  read: (value) => (value as Ref<unknown>).value,
  render(provide, use) {
    const view = defineComponent(() => {
      const text = use()
      return () => h('p', text())
    })
    return renderToString(
      createSSRApp(() => h(hooks.StreamProvider, provide as object, { default: () => h(view) })),
    )
  },
}
export default server
