import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { compile, compileModule } from 'svelte/compiler'
import { build, type Plugin } from 'vite'
import type { Client, Server } from './adapter.ts'

const here = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
export const FRAMEWORKS = ['vue', 'svelte', 'solid'] as const

const svelte = (generate: 'client' | 'server'): Plugin => ({
  name: 'svelte',
  transform(code, filename) {
    if (filename.endsWith('.svelte')) return compile(code, { filename, generate }).js
    if (filename.endsWith('.svelte.js')) return compileModule(code, { filename, generate }).js
    return null
  },
})

/**
 * The frameworks choose their code for browsers or for servers by conditions of `exports`, and Vitest always has those of
 * a server. So both are bundled here, with the hooks' source, as an application's bundler does it.
 */
export const buildFor = async (
  side: 'client' | 'server',
  folder: string,
  names: readonly string[] = FRAMEWORKS,
) => {
  await build({
    configFile: false,
    logLevel: 'error',
    plugins: [svelte(side)],
    define: {
      // React's own name for a development build, which has `act`.
      'process.env.NODE_ENV': '"development"',
      __VUE_OPTIONS_API__: 'true',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    resolve: { conditions: side === 'client' ? ['browser', 'module'] : ['node', 'module'] },
    ssr: { noExternal: true, resolve: { conditions: ['node', 'module'] } },
    build: {
      target: 'es2022',
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      ...(side === 'server' ? { ssr: true } : {}),
      rolldownOptions: {
        input: Object.fromEntries(names.map((name) => [name, here(`${name}.${side}.ts`)])),
        preserveEntrySignatures: 'strict',
        output: {
          format: 'cjs',
          exports: 'default',
          entryFileNames: '[name].cjs',
          chunkFileNames: '[name]-[hash].cjs',
        },
      },
    },
  })
}

/** What `buildFor` made, as a browser or a server loads it. Vitest, which would transform it again, has no part in it. */
export const load = <Side = Client | Server>(folder: string, name: string): Side =>
  createRequire(import.meta.url)(`${folder}/${name}.cjs`)
