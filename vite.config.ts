import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin, type UserConfig } from 'vite'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/**
 * fetch-event-source's clean-up touches `window` and `document`, which a worker lacks (its issue 39).
 * Both are bound in that one module's scope; inventing globals would change what every other library sees.
 */
export const fetchEventSourceInWorkers = (): Plugin => ({
  name: 'fetch-event-source-in-workers',
  transform(code, id) {
    if (!/fetch-event-source[\\/]lib[\\/]esm[\\/]fetch\.js/.test(id)) return
    return {
      code: `const window = globalThis, document = { addEventListener() {}, removeEventListener() {} };${code}`,
      map: null,
    }
  },
})

/**
 * The published page entry names its worker in the one form that an application's bundler looks for,
 * `new SharedWorker(new URL('./stream.worker.js', import.meta.url))`. Our own build must leave it alone:
 * Vite would turn it into a hashed asset, which no other bundler can follow.
 */
const publishWorkerUrl = (): Plugin => {
  const source = "new URL('../worker/stream.worker.ts', import.meta.url)"
  return {
    name: 'publish-worker-url',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/src/host.ts')) return
      return { code: code.replaceAll(source, '__TABSTREAM_WORKER_URL__'), map: null }
    },
    renderChunk(code) {
      const published = "new URL('./stream.worker.js', import.meta.url)"
      return { code: code.replaceAll('__TABSTREAM_WORKER_URL__', published), map: null }
    },
  }
}

const library: UserConfig = {
  plugins: [publishWorkerUrl(), fetchEventSourceInWorkers()],
  build: {
    target: 'es2022',
    lib: { entry: { index: path('src/index.ts'), worker: path('worker/index.ts') }, formats: ['es'] },
  },
}

/** The file that a page without a bundler, or without the `worker` option, starts: everything in one. */
const workerFile: UserConfig = {
  plugins: [fetchEventSourceInWorkers()],
  build: {
    target: 'es2022',
    emptyOutDir: false,
    lib: { entry: { 'stream.worker': path('worker/stream.worker.ts') }, formats: ['es'] },
  },
}

/** Pages that use the built package, as an application would. */
const application = (root: string): UserConfig => ({
  root: path(root),
  base: './',
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true, modulePreload: false },
  worker: { format: 'es' },
  resolve: {
    alias: [
      { find: /^tabstream$/, replacement: path('dist/index.js') },
      { find: /^tabstream\/worker$/, replacement: path('dist/worker.js') },
    ],
  },
})

const builds: Record<string, UserConfig> = {
  library,
  'worker-file': workerFile,
  demo: application('demo'),
  'test-app': application('test/browser/app'),
}

export default defineConfig(({ mode }) => ({
  ...builds[mode],
  test: {
    include: ['test/unit/**/*.test.ts', 'test/server/**/*.test.ts'],
    server: { deps: { inline: ['@microsoft/fetch-event-source'] } },
  },
  ...(mode === 'test' ? { plugins: [fetchEventSourceInWorkers()] } : {}),
}))
