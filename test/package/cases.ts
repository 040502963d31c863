import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, hooks, oneRequest } from './checks.ts'
import { runIn, startIn } from './fixture.ts'
import { type FrontOptions, startFront } from './front.ts'

const bin = (folder: string, name: string) => join(folder, 'node_modules/.bin', name)

/** One application, in one surrounding. */
export interface Case {
  name: string
  /** Of its files; also what it is called on the command line. */
  fixture: string
  /** In its installed folder: what the front serves. */
  prepare(folder: string): Promise<FrontOptions & { close?: () => Promise<void> }>
  /** Behind the origin: a page, a query. Default: the root. */
  path?: string
  /** Another site than the page that holds it. */
  framed?: boolean
  check?: Check
  /** What the server's own rendering must hold. */
  html?: string
}

const built = (command: string, args: string[]) => async (folder: string) => {
  await runIn(folder, bin(folder, command), args)
  return { behind: [join(folder, 'dist'), folder] }
}
const once = (prepare: (folder: string) => Promise<FrontOptions>) => {
  let prepared: Promise<FrontOptions> | null = null
  return (folder: string) => {
    prepared ??= prepare(folder)
    return prepared
  }
}
const viteBuild = built('vite', ['build', '--base', './'])
const viteDev = async (folder: string) => {
  const server = await startIn(folder, bin(folder, 'vite'), (port) => [
    ...['--host', '127.0.0.1', '--port', String(port), '--strictPort'],
  ])
  return { behind: server.port, close: server.close }
}
/** One build has a page of each framework. */
const allFrameworks = once(viteBuild)
const page = (script: string) => ({
  '/': `<!doctype html><link rel="icon" href="data:,"><script src="${script}"></script>`,
})
const bundled = (build: (folder: string) => Promise<FrontOptions>) => async (folder: string) => {
  const { behind } = await build(folder)
  return { behind, extra: page('/main.js') }
}
const statically =
  (headers: Record<string, string> = {}, extra: Record<string, string> = {}) =>
  async (folder: string) => {
    const target = join(folder, 'tabstream')
    await mkdir(target, { recursive: true })
    for (const file of ['index.js', 'claims.js', 'inspector.js', 'stream.worker.js'])
      await copyFile(join(folder, 'node_modules/tabstream/dist', file), join(target, file))
    return { behind: [folder], headers, extra }
  }

const STRICT = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src data:"

export const cases: Case[] = [
  { name: 'Vite dev, own worker file', fixture: 'vite', prepare: viteDev, path: '?own' },
  { name: "Vite dev, the package's", fixture: 'vite', prepare: viteDev },
  { name: 'Vite build, own worker file', fixture: 'vite', prepare: viteBuild, path: '?own' },
  { name: "Vite build, the package's", fixture: 'vite', prepare: viteBuild },
  ...['?own', ''].flatMap((path): Case[] => [
    {
      name: `webpack 5, ${path ? 'own worker file' : "the package's"}`,
      fixture: 'webpack',
      prepare: bundled(built('webpack', [])),
      path,
    },
    {
      name: `Rspack, ${path ? 'own worker file' : "the package's"}`,
      fixture: 'rspack',
      prepare: bundled(async (folder) => {
        await runIn(folder, process.execPath, ['build.js'])
        return { behind: [join(folder, 'dist')] }
      }),
      path,
    },
  ]),
  {
    name: 'esbuild, worker file copied',
    fixture: 'esbuild',
    prepare: async (folder) => {
      const args = ['main.js', '--bundle', '--format=esm', '--outdir=dist', '--minify']
      const { behind } = await built('esbuild', args)(folder)
      const worker = 'stream.worker.js'
      await copyFile(join(folder, 'node_modules/tabstream/dist', worker), join(folder, 'dist', worker))
      return { behind }
    },
  },
  ...['?own', ''].map(
    (path): Case => ({
      name: `Next 16, ${path ? 'own worker file' : "the package's"}`,
      fixture: 'next',
      prepare: async (folder) => {
        await runIn(folder, bin(folder, 'next'), ['build'])
        const server = await startIn(folder, bin(folder, 'next'), (port) => [
          ...['start', '--hostname', '127.0.0.1', '--port', String(port)],
        ])
        return { behind: server.port, close: server.close }
      },
      path,
      html: 'state: ',
    }),
  ),
  { name: 'No bundler, <script type=module>', fixture: 'static', prepare: statically() },
  {
    name: "CSP worker-src 'self', Trusted Types",
    fixture: 'static',
    prepare: statically({
      'content-security-policy': `${STRICT}; require-trusted-types-for 'script'; trusted-types app`,
    }),
    path: '?trusted',
  },
  {
    name: 'COOP and COEP',
    fixture: 'static',
    prepare: statically({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    }),
  },
  {
    name: 'Worker on another origin',
    fixture: 'static',
    prepare: async (folder) => {
      const { behind } = await statically()(folder)
      const cdn = await startFront({ behind, headers: { 'access-control-allow-origin': '*' } })
      const extra = { '/cdn.worker.js': `import 'http://localhost:${cdn.port}/tabstream/stream.worker.js'` }
      return { behind, extra, close: cdn.close }
    },
    path: '?cdn',
  },
  {
    name: 'Cross-site iframe',
    fixture: 'static',
    prepare: statically({}, { '/outer.html': '<!doctype html>' }),
    framed: true,
  },
  ...['vue', 'svelte', 'solid'].map(
    (framework): Case => ({
      name: `tabstream/${framework}`,
      fixture: 'frameworks',
      prepare: allFrameworks,
      path: `${framework}.html`,
      check: hooks,
    }),
  ),
  {
    name: 'tabstream/query, TanStack Query in React',
    fixture: 'frameworks',
    prepare: async (folder) => ({ ...(await allFrameworks(folder)), extra: { '/notes.json': '[1]' } }),
    path: 'query.html',
    check: oneRequest,
  },
]
