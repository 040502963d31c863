import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { get } from 'svelte/store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effectScope } from 'vue'
import { createTestStream } from '../../src/testing.ts'
import { reference } from './reference.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'test/results/docs')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
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
/** A recipe says its file's name in its first line. */
const recipe = (name: string) => blocks.find(({ code }) => code.startsWith(`// ${name}\n`))!.code

describe('X3 the docs', () => {
  beforeAll(() => {
    rmSync(work, { recursive: true, force: true })
    mkdirSync(work, { recursive: true })
  })

  afterAll(() => rmSync(work, { recursive: true, force: true }))

  it('compile: every block of TypeScript, as an application would have it', async () => {
    const compiled = blocks.filter(({ page, language }) => /^tsx?$/.test(language) && page !== 'docs/api.md')
    expect(compiled.length).toBeGreaterThan(10)
    for (const [at, { page, language, code }] of compiled.entries())
      writeFileSync(join(work, `${page.replaceAll(/\W/g, '-')}-${at}.${language}`), `${code}\nexport {}\n`)
    const tsconfig = {
      extends: '../../../tsconfig.json',
      compilerOptions: {
        jsx: 'react-jsx',
        noUnusedLocals: false,
        paths: Object.fromEntries(
          Object.entries({
            tabstream: 'src/index.ts',
            'tabstream/event-source': 'src/shared-event-source.ts',
            'tabstream/inspector': 'src/inspector/index.ts',
            'tabstream/react': 'src/react.ts',
            'tabstream/testing': 'src/testing.ts',
            'tabstream/worker': 'worker/index.ts',
            'tabstream/verify': 'worker/verify/index.ts',
          }).map(([name, path]) => [name, [`../../../${path}`]]),
        ),
      },
      exclude: [],
      include: ['.', '../../package/docs-globals.d.ts'],
    }
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(tsconfig))
    const tsc = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', work])
    const said = await tsc.then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
    expect(said).toBe('')
  })

  it('name commands that exist, and nothing in another language', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const { page, language, code } of blocks) {
      expect(['', 'ts', 'tsx'], page).toContain(language)
      if (language !== '') continue
      for (const command of code.trim().split(/\n|&&/)) {
        const [npm, verb, script] = command.trim().split(' ')
        expect(npm, `${page}: ${command}`).toBe('npm')
        const known = verb === 'run' ? script! in scripts : ['ci', 'test', 'install'].includes(verb!)
        expect(known, `${page}: ${command}`).toBe(true)
      }
    }
  })

  it('link to files that exist', () => {
    for (const page of pages)
      for (const [, link] of readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g))
        expect(existsSync(join(root, page, '..', link!)), `${page}: ${link}`).toBe(true)
  })

  it('have a reference that says what the docstrings say: `npm run docs` makes it anew', () => {
    expect(readFileSync(join(root, 'docs/api.md'), 'utf8')).toBe(reference())
  })

  const load = (name: string) => {
    const file = join(work, name)
    writeFileSync(file, recipe(name))
    return import(/* @vite-ignore */ pathToFileURL(file).href)
  }

  it('have a recipe for Vue that follows a type until its scope ends', async () => {
    const { useLatest } = await load('vue.ts')
    const { stream, emit } = createTestStream<{ count: number }>()
    const scope = effectScope()
    const latest = scope.run(() => useLatest(stream, 'count'))
    await emit('count', 1)
    expect(latest.value).toBe(1)
    scope.stop()
    await emit('count', 2)
    expect(latest.value).toBe(1)
  })

  it('have a recipe for Svelte whose stores follow while somebody subscribes', async () => {
    const { latest, status } = await load('svelte.ts')
    const { stream, emit, fail } = createTestStream<{ count: number }>()
    const seen: unknown[] = []
    const stop = latest(stream, 'count').subscribe((value: unknown) => seen.push(value))
    await emit('count', 1)
    stop()
    await emit('count', 2)
    expect(seen).toEqual([undefined, 1])
    const states: string[] = []
    const stopStates = status(stream).subscribe(({ state }: { state: string }) => states.push(state))
    fail()
    stopStates()
    expect(states).toEqual(['open', 'waiting'])
    expect((get(status(stream)) as { state: string }).state).toBe('waiting')
  })
})
