import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin, type UserConfig } from 'vite'
import { privateMethods } from './build/private-methods.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/**
 * fetch-event-source's clean-up touches `window` and `document`, which a worker lacks (its issue 39).
 * Both are bound in that one module's scope; inventing globals would change what every other library sees.
 * Its message assembly is never reached (worker/stream/transport.ts drains the body before), and stays out.
 */
export const fetchEventSourceInWorkers = (): Plugin => ({
  name: 'fetch-event-source-in-workers',
  transform(code, id) {
    if (!/fetch-event-source[\\/]lib[\\/]esm[\\/]fetch\.js/.test(id)) return
    const assembly = "import { getBytes, getLines, getMessages } from './parse';"
    if (!code.includes(assembly)) throw new Error(`fetch-event-source has changed: it lacks ${assembly}`)
    const bound = [
      'window = globalThis',
      'document = { addEventListener() {}, removeEventListener() {} }',
      'getBytes = () => {}, getLines = getBytes, getMessages = getBytes',
    ]
    return { code: code.replace(assembly, `const ${bound.join(', ')};`), map: null }
  },
})

/**
 * What no call of ours reaches in a library: from the first text up to the second. The bundler cannot know that comlink's
 * messages never say SET, CONSTRUCT or ENDPOINT, nor that nobody iterates over idb's cursors.
 */
const UNREACHED: [module: RegExp, parts: [from: string, to: string][]][] = [
  [
    /comlink[\\/]dist[\\/]esm[\\/]comlink\.mjs$/,
    [
      ['case "SET"', 'case "APPLY"'],
      ['case "CONSTRUCT"', 'case "RELEASE"'],
      ['set(_target, prop, rawValue) {', 'apply(_target, '],
      ['if (last === createEndpoint) {', '// We just pretend'],
      ['construct(_target, rawArgumentList) {', '});\n    registerProxy('],
    ],
  ],
  [/idb[\\/]build[\\/]index\.js$/, [['const advanceMethodProps', 'export {']]],
]
const leaveOutUnreached = (): Plugin => ({
  name: 'leave-out-unreached',
  transform(code, id) {
    const parts = UNREACHED.find(([module]) => module.test(id))?.[1]
    if (parts === undefined) return
    let left = code
    for (const [from, to] of parts) {
      const start = left.indexOf(from)
      const end = left.indexOf(to, start)
      if (start < 0 || end < 0) throw new Error(`${id} has changed: it lacks ${from} or ${to}`)
      left = left.slice(0, start) + left.slice(end)
    }
    return { code: left, map: null }
  },
})

/** Of the two large files only: they have nearly all of the package's methods. */
const shortenPrivateMethods = (): Plugin => ({
  name: 'shorten-private-methods',
  apply: (_, { mode }) => ['page', 'worker', 'worker-file'].includes(mode),
  outputOptions: (options) => ({
    ...options,
    minify: {
      compress: true,
      mangle: true,
      codegen: { removeWhitespace: true },
      mangleProps: { include: new RegExp(`^(?:${privateMethods().join('|')})$`) },
    },
  }),
})

/**
 * The published page entry names its worker in the one form that an application's bundler looks for. Our own
 * build must leave it alone: Vite would turn it into a hashed asset that no other bundler can follow, and the
 * minifier would turn its strings into template literals. So it is taken out before, and put back after.
 */
const publishWorkerUrl = (): Plugin => {
  const literal = (kind: string, url: string, options: string) =>
    `new ${kind}(new URL('${url}', import.meta.url), { ...${options}, type: 'module' })`
  const kinds = ['SharedWorker', 'Worker']
  return {
    name: 'publish-worker-url',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/src/attachment/host.ts')) return
      let published = code
      for (const kind of kinds) {
        const source = literal(kind, '../../worker/stream.worker.ts', 'options')
        if (!code.includes(source))
          throw new Error(`src/attachment/host.ts lacks the literal that is published: ${source}`)
        published = published.replace(source, `__TABSTREAM_${kind}__(options)`)
      }
      return { code: published, map: null }
    },
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'chunk') {
          for (const kind of kinds)
            file.code = file.code.replace(
              new RegExp(`__TABSTREAM_${kind}__\\((\\w+)\\)`),
              (_match, options) => literal(kind, './stream.worker.js', options),
            )
          // They help to drop what is not used; of these files everything is.
          file.code = file.code.replaceAll('/* @__PURE__ */ ', '')
        }
    },
  }
}

/**
 * Entries import another's file, and not its source: an application that uses two has one client, one `StreamError`;
 * and the inspector is loaded by who opens it. As a relative name, which every bundler and every browser follows.
 */
const PUBLISHED: Record<string, string> = {
  './index.ts': './index.js',
  './state/index.ts': './state.js',
  './inspector/index.ts': './inspector.js',
  './claims/index.ts': './claims.js',
}
const entriesStayApart = (): Plugin => ({
  name: 'entries-stay-apart',
  enforce: 'pre',
  resolveId(id, importer) {
    const file = importer?.includes('/src/') ? PUBLISHED[id] : undefined
    return file === undefined ? null : { id: file, external: true }
  },
})

/** Those of the application. */
const FRAMEWORKS = ['react', 'vue', 'svelte', 'svelte/store', 'solid-js']

/**
 * One published file, everything in it. A build for each rather than one of all entries, which would share
 * chunks: the worker file must be one file, for pages that have no bundler.
 */
const library = (name: string, entry: string): UserConfig => ({
  plugins: [
    publishWorkerUrl(),
    entriesStayApart(),
    fetchEventSourceInWorkers(),
    leaveOutUnreached(),
    shortenPrivateMethods(),
  ],
  build: {
    target: 'es2022',
    // The inspector's: `light-dark()` and nesting as they are, for browsers that developers have.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    emptyOutDir: false,
    lib: { entry: { [name]: path(entry) }, formats: ['es'] },
    // Vite leaves an ES library's white space alone; a page without a bundler loads these files as they are.
    rolldownOptions: { external: FRAMEWORKS, output: { minify: true } },
  },
})

/** Pages that use the built package, as an application would. */
const application = (root: string): UserConfig => ({
  root: path(root),
  base: './',
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true, modulePreload: false },
  worker: { format: 'es' },
  resolve: {
    alias: [
      { find: /^tabstream$/, replacement: path('dist/index.js') },
      { find: /^tabstream\/event-source$/, replacement: path('dist/event-source.js') },
      { find: /^tabstream\/inspector$/, replacement: path('dist/inspector.js') },
      { find: /^tabstream\/react$/, replacement: path('dist/react.js') },
      { find: /^tabstream\/worker$/, replacement: path('dist/worker.js') },
      { find: /^tabstream\/verify$/, replacement: path('dist/verify.js') },
    ],
  },
})

const builds: Record<string, UserConfig> = {
  page: library('index', 'src/index.ts'),
  'event-source': library('event-source', 'src/shared-event-source.ts'),
  react: library('react', 'src/react.ts'),
  vue: library('vue', 'src/vue.ts'),
  svelte: library('svelte', 'src/svelte.ts'),
  solid: library('solid', 'src/solid.ts'),
  query: library('query', 'src/query/index.ts'),
  testing: library('testing', 'src/testing.ts'),
  state: library('state', 'src/state/index.ts'),
  inspector: library('inspector', 'src/inspector/index.ts'),
  claims: library('claims', 'src/claims/index.ts'),
  worker: library('worker', 'worker/index.ts'),
  verify: library('verify', 'worker/verify/index.ts'),
  'worker-file': library('stream.worker', 'worker/stream.worker.ts'),
  demo: application('demo'),
  'test-app': application('test/browser/app'),
  bench: application('test/bench/app'),
}

/** Vitest would take the CommonJS build, which the plugin does not know. */
const unitTests: UserConfig = {
  plugins: [fetchEventSourceInWorkers()],
  resolve: {
    alias: {
      '@microsoft/fetch-event-source': path('node_modules/@microsoft/fetch-event-source/lib/esm/index.js'),
    },
  },
}

export default defineConfig(({ mode }) => ({
  ...(mode === 'test' ? unitTests : builds[mode]),
  test: {
    include: ['test/{unit,server,security,package}/**/*.test.ts'],
    // Tests stub no module, and put back the globals that they stub: one context is enough, and three times as fast.
    // Waits for conditions end long before; this is for a machine that is busy with something else.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'threads',
    isolate: false,
    server: { deps: { inline: ['@microsoft/fetch-event-source'] } },
  },
}))
