import { createApp, defineComponent, h, nextTick, type Ref, ref } from 'vue'
import * as hooks from '../../../../src/vue.ts'
import type { Client } from './adapter.ts'

const client: Client = {
  hooks: hooks as unknown as Client['hooks'],
  mount(container, provide, use) {
    const view = defineComponent(() => {
      const text = use()
      return () => text()
    })
    const app = createApp(() => h(hooks.StreamProvider, provide as object, { default: () => h(view) }))
    app.mount(container)
    return () => app.unmount()
  },
  read: (value) => (value as Ref<unknown>).value,
  state(first) {
    const followed = ref(first)
    return {
      followed,
      get: () => followed.value,
      set(next) {
        followed.value = next
      },
    }
  },
  settle: () => nextTick(),
}
export default client
