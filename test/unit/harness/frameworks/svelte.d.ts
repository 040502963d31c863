declare module '*.svelte' {
  import type { Component } from 'svelte'

  const component: Component<{ provide: object; use: () => () => string }>
  export default component
}

declare module '*/state.svelte.js' {
  export const state: import('./adapter.ts').Client['state']
}
