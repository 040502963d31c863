import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, posix } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { compile } from 'svelte/compiler'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { compileScript, parse } from 'vue/compiler-sfc'
import { reference } from './reference.ts'
import { quoted, withShownBy } from './shown-by.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'test/results/docs')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

interface Block {
  page: string
  language: string
  code: string
}
const blocks: Block[] = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(
    ([, language, code]) => ({ page, language: language!, code: code! }),
  ),
)
/** An application's own, beside what the library's paths in tsconfig.json say. */
const tsconfig = {
  extends: join(root, 'tsconfig.json'),
  compilerOptions: { jsx: 'react-jsx', noUnusedLocals: false },
  exclude: [],
  include: ['.'],
}
/** A recipe says its file's name in its first line. */
const recipe = (name: string) => blocks.find(({ code }) => code.startsWith(`// ${name}\n`))!.code

describe('X3 the docs', () => {
  beforeAll(() => {
    rmSync(work, { recursive: true, force: true })
    mkdirSync(work, { recursive: true })
  })

  afterAll(() => rmSync(work, { recursive: true, force: true }))

  const compiled = blocks.filter(({ page, language }) => /^tsx?$/.test(language) && page !== 'docs/api.md')

  it('have blocks of TypeScript', () => {
    expect(compiled.length).toBeGreaterThan(15)
  })

  // One program a block: in one for all, a `declare module` of one block would vouch for another.
  it.concurrent.for(compiled.map((block, at) => [`${block.page}, block ${at + 1}`, block] as const))(
    'compile, each block by itself: %s',
    { timeout: 60_000 },
    async ([name, { language, code }], { expect }) => {
      const folder = join(work, name.replaceAll(/\W+/g, '-'))
      mkdirSync(folder)
      writeFileSync(join(folder, `block.${language}`), `${code}\nexport {}\n`)
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
      const tsc = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', folder])
      const said = await tsc.then(
        () => '',
        (error: { stdout: string }) => error.stdout,
      )
      expect(said).toBe('')
    },
  )

  it('have components of Vue and Svelte that their compilers take, and that import what there is', async () => {
    const components = blocks.filter(({ language }) => ['vue', 'svelte'].includes(language))
    expect(new Set(components.map(({ language }) => language))).toEqual(new Set(['vue', 'svelte']))
    const exported: Record<string, object> = {
      tabstream: await import('../../src/index.ts'),
      'tabstream/vue': await import('../../src/vue.ts'),
      'tabstream/svelte': await import('../../src/svelte.ts'),
    }
    for (const { language, code } of components) {
      if (language === 'vue') {
        const { descriptor, errors } = parse(code)
        expect(errors).toEqual([])
        compileScript(descriptor, { id: 'docs', inlineTemplate: true })
      } else expect(compile(code, {}).warnings).toEqual([])
      for (const [, names, from] of code.matchAll(/import \{ (.*) \} from '(tabstream.*)'/g))
        expect(Object.keys(exported[from!]!)).toEqual(expect.arrayContaining(names!.split(', ')))
    }
  })

  it('name commands that exist, and nothing in another language', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const { page, language, code } of blocks) {
      // `text` is what goes over the wire.
      expect(['', 'ts', 'tsx', 'vue', 'svelte', 'text'], page).toContain(language)
      if (language !== '') continue
      for (const command of code.trim().split(/\n|&&/)) {
        const [npm, verb, script] = command.trim().split(' ')
        expect(npm, `${page}: ${command}`).toBe('npm')
        const known = verb === 'run' ? script! in scripts : ['ci', 'test', 'install'].includes(verb!)
        expect(known, `${page}: ${command}`).toBe(true)
      }
    }
  })

  const linksOf = (page: string) =>
    [
      ...readFileSync(join(root, page), 'utf8').matchAll(
        /(?:\]\(|(?:href|src)=")(?!https?:)([^)"#]*)(#[^)"]*)?/g,
      ),
    ].map(([, file, anchor]) => ({
      link: `${page}: ${file}${anchor ?? ''}`,
      target: file === '' ? page : posix.join(posix.dirname(page), file!),
      anchor,
    }))
  /** As GitHub and npm make them of a heading. */
  const anchorsOf = (page: string) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^#+ (.*)$/gm)].map(
      ([, heading]) =>
        `#${heading!
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-')}`,
    )

  it('link to files and headings that exist', () => {
    for (const { link, target, anchor } of [...pages, 'SPEC.md', 'SECURITY.md'].flatMap(linksOf)) {
      expect(existsSync(join(root, target)), link).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(target), link).toContain(anchor)
    }
  })

  it('name source files that exist', () => {
    const folders = ['src', 'worker', 'demo', 'test']
    const files = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (file) => `${folder}/${file}`,
      ),
    )
    for (const page of pages)
      for (const [, name] of readFileSync(join(root, page), 'utf8').matchAll(
        /`([\w./-]+\.(?:ts|md|svg)|(?:src|worker|demo|test)\/[\w./-]*)`/g,
      )) {
        const path = name!.replace(/\/$/, '')
        // A name alone stands for a file next to the one before it, or for one that an application has.
        const isThere = path.includes('/')
          ? existsSync(join(root, path))
          : files.some((file) => file.endsWith(`/${path}`))
        expect(isThere || existsSync(join(root, path)), `${page}: ${name}`).toBe(true)
      }
  })

  it('have a troubleshooting page whose headings quote what the library says', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
    const headings = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8').match(/^## .*$/gm)!
    const quotes = headings.flatMap((heading) =>
      [...heading.matchAll(/"([^"]+)"/g)].map(([, words]) => words!),
    )
    expect(quotes.length).toBeGreaterThan(3)
    for (const words of quotes)
      expect(
        sources.some((source) => source.includes(words)),
        words,
      ).toBe(true)
  })

  it('have a SECURITY.md whose tables name tests that exist', () => {
    const rows = [...readFileSync(join(root, 'SECURITY.md'), 'utf8').matchAll(/^\|.*\| ([^|]*) \|$/gm)]
    const names = rows.flatMap(([, shownBy]) =>
      [...shownBy!.matchAll(/`([\w/-]+)`/g)].map(([, name]) => name!),
    )
    expect(names.length).toBeGreaterThan(20)
    for (const name of names)
      expect(
        ['.test.ts', '.spec.ts'].some((ending) => existsSync(join(root, 'test', `${name}${ending}`))),
        name,
      ).toBe(true)
  })

  it('lead nowhere outside the tarball, as far as they are in it', () => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
    // npm packs these by itself.
    const packed = [...files, 'README.md', 'LICENSE', 'package.json']
    const isPacked = (path: string) => packed.some((each) => path === each || path.startsWith(`${each}/`))
    const shipped = [...pages, 'SPEC.md', 'SECURITY.md', 'CHANGELOG.md'].filter(isPacked)
    expect(shipped).toContain('docs/writing-a-server.md')
    for (const { link, target } of shipped.flatMap(linksOf)) expect(isPacked(target), link).toBe(true)
  })

  it('have a SPEC.md that names the tests of each promise: `npm run docs` makes it anew', () => {
    const spec = readFileSync(join(root, 'SPEC.md'), 'utf8')
    expect(spec).toBe(withShownBy(spec))
    expect(spec.match(/^Shown by:$/gm), 'a promise that nothing shows').toBe(null)
    const promises = [...spec.matchAll(/^### ((?:TO|ST|[A-Z])\d+) /gm)].map(([, id]) => id)
    expect(new Set(promises).size).toBe(promises.length)
    for (const id of quoted().keys()) expect(promises, 'an id that a test quotes').toContain(id)
  })

  it('have a reference that says what the docstrings say: `npm run docs` makes it anew', () => {
    expect(readFileSync(join(root, 'docs/api.md'), 'utf8')).toBe(reference())
  })

  const load = (name: string) => {
    const file = join(work, name)
    writeFileSync(file, recipe(name))
    return import(/* @vite-ignore */ pathToFileURL(file).href)
  }

  /** The head of an answer, and its body up to a blank line that `isEnough` is content with. */
  const ask = async (server: Server, lastEventId: string | null, isEnough: (text: string) => boolean) => {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const stop = new AbortController()
    const headers: Record<string, string> = lastEventId === null ? {} : { 'last-event-id': lastEventId }
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers, signal: stop.signal })
    let text = ''
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    while (!isEnough(text)) {
      const { done, value } = await reader.read()
      if (done) throw new Error(`The answer ended after ${JSON.stringify(text)}.`)
      text += value
    }
    stop.abort()
    return { response, text }
  }
  const isBlock = (text: string) => text.endsWith('\n\n')
  const positionOf = (text: string) => /^id: (.*)\n/.exec(text)![1]!
  const end = (server: Server) => {
    server.closeAllConnections()
    server.close()
  }

  it('have a server that gives a position at once, resumes after it, and says when it cannot', async () => {
    const { server, publish } = await load('events.ts')
    try {
      const fresh = await ask(server, null, isBlock)
      expect(fresh.text).toMatch(/^id: \w+-0\n\n$/)
      expect(fresh.response.headers.get('stream-resume')).toBe(null)
      expect(fresh.response.headers.get('cache-control')).toBe('no-store, no-transform')

      publish('note', { text: 'one\nline' })
      const resumed = await ask(server, positionOf(fresh.text), (text) => text.includes('data:'))
      expect(resumed.response.headers.get('stream-resume')).toBe('continue')
      expect(resumed.text).toContain('event: note\ndata: {"text":"one\\nline"}\n\n')

      for (const unknown of ['elsewhere-1', `${positionOf(fresh.text)}9`, 'none']) {
        const reset = await ask(server, unknown, isBlock)
        expect(reset.response.headers.get('stream-resume')).toBe('reset')
        expect(reset.text).toMatch(/^id: \w+-1\n\n$/)
      }
      for (let n = 0; n < 1_001; n++) publish('note', n)
      const trimmed = await ask(server, positionOf(fresh.text), isBlock)
      expect(trimmed.response.headers.get('stream-resume')).toBe('reset')
    } finally {
      end(server)
    }
  })

  it('have a server that lets no line break into a frame', async () => {
    const { publish } = await load('events.ts')
    for (const type of ['note\ndata: forged', 'note\r', '\nid: 7'])
      expect(() => publish(type, null), JSON.stringify(type)).toThrow(TypeError)
  })

  it('have a quick start whose server resumes', async () => {
    vi.stubEnv('PORT', '0')
    const { server, publish } = await load('server.ts')
    try {
      const fresh = await ask(server, null, isBlock)
      expect(fresh.text).toBe('id: 0\n\n')
      publish({ id: 'c1', title: 'One' })
      const resumed = await ask(server, positionOf(fresh.text), (text) => text.includes('data:'))
      expect(resumed.text).toContain('id: 1\nevent: chapter.updated\ndata: {"id":"c1","title":"One"}\n\n')
    } finally {
      end(server)
      vi.unstubAllEnvs()
    }
  })
})
