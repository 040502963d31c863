import { createRequire } from 'node:module'
import { vi } from 'vitest'

const require = createRequire(import.meta.url)

/**
 * The hooks together with one version of React. `react-dom` 18 asks Node for `react`, and would get 19, the only
 * one of that name: Node's cache gives it the other. What imports it through Vitest is told by a mock.
 */
export const loadReact = async (version: 18 | 19) => {
  const suffix = version === 18 ? '-18' : ''
  const path = require.resolve('react')
  delete require.cache[path]
  const react: typeof import('react') = require(`react${suffix}`)
  require(path)
  require.cache[path]!.exports = react
  for (const part of ['/client', '/server'])
    delete require.cache[require.resolve(`react-dom${suffix}${part}`)]
  vi.resetModules()
  vi.doMock('react', () => ({ ...react, default: react }))
  const hooks = await import('../../../src/react.ts')
  vi.doUnmock('react')
  const client: typeof import('react-dom/client') = require(`react-dom${suffix}/client`)
  const server: typeof import('react-dom/server') = require(`react-dom${suffix}/server`)
  const act: (run: () => unknown) => Promise<void> = react.act
  return { react, hooks, act, createRoot: client.createRoot, renderToString: server.renderToString }
}
