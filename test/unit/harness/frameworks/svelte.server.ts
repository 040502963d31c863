import { render } from 'svelte/server'
import * as hooks from '../../../../src/svelte.ts'
import type { Server } from './adapter.ts'
import Provider from './Provider.svelte'

const server: Server = {
  hooks: hooks as unknown as Server['hooks'],
  read: (value) => (value as hooks.Current<unknown>).current,
  render: async (provide, use) => (await render(Provider, { props: { provide, use } })).body,
}
export default server
