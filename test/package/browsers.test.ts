import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformWithEsbuild } from 'vite'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

const SHARED_WORKER = 'a SharedWorker, as a module'

type Versions = [chromium: number, firefox: number, safari: number]

/**
 * What the built files may use that not every browser of the last years has, and which version brought it. Source: MDN,
 * browser-compat-data.
 */
const FEATURES: [name: string, pattern: RegExp, versions: Versions][] = [
  ['Web Locks', /\.locks\b/, [69, 96, 15.4]],
  ['BroadcastChannel', /\bBroadcastChannel\b/, [54, 38, 15.4]],
  ['a module worker', /new Worker\(new URL/, [80, 114, 15]],
  [SHARED_WORKER, /new SharedWorker\(new URL/, [80, 114, 16]],
  ['Array.prototype.at', /\.at\(/, [92, 90, 15.4]],
  ['findLast, findLastIndex', /\.findLast(Index)?\(/, [97, 104, 15.4]],
  ['Object.hasOwn', /\.hasOwn\(/, [93, 92, 15.4]],
  ['crypto.randomUUID', /\brandomUUID\(/, [92, 95, 15.4]],
  ['reportError', /\breportError\(/, [95, 93, 15.4]],
  ['structuredClone', /\bstructuredClone\b/, [98, 94, 15.4]],
  ['AbortSignal.timeout', /AbortSignal\.timeout\(/, [103, 100, 16]],
  ['AbortSignal.any', /AbortSignal\.any\(/, [116, 124, 17.4]],
  ['throwIfAborted', /\.throwIfAborted\(/, [100, 97, 15.4]],
  ['toSorted, toReversed, toSpliced', /\.to(Sorted|Reversed|Spliced)\(/, [110, 115, 16]],
  ['Array.fromAsync', /\bfromAsync\(/, [121, 115, 16.4]],
  ['Promise.withResolvers', /\.withResolvers\(/, [119, 121, 17.4]],
  ['groupBy', /\.groupBy\(/, [117, 119, 17.4]],
  ['isWellFormed, toWellFormed', /\.(is|to)WellFormed\(/, [111, 119, 16.4]],
  ['URL.canParse', /URL\.canParse\(/, [120, 115, 17]],
  ['a lookbehind in a pattern', /\(\?<[=!]/, [62, 78, 16.4]],
  ['a constructed style sheet', /\badoptedStyleSheets\b/, [73, 101, 16.4]],
  ['checkVisibility', /\.checkVisibility\(/, [105, 106, 17.4]],
  ['replaceChildren', /\.replaceChildren\(/, [86, 78, 14]],
  ['showModal', /\.showModal\(/, [37, 98, 15.4]],
  ['light-dark()', /light-dark\(/, [123, 120, 17.5]],
  ['nested CSS', /[{;]&[:[.\s]/, [120, 117, 17.2]],
  [':has()', /:has\(/, [105, 121, 15.4]],
]

const read = (path: string): string => {
  if (!existsSync(join(root, path))) throw new Error(`There is no ${path}: run \`npm run build\` first.`)
  return readFileSync(join(root, path), 'utf8')
}

/** The table of README.md, by its first column. */
const promised = (row: string): Versions => {
  const cells = new RegExp(`^\\| ${row} \\| ([\\d.]+) \\| ([\\d.]+) \\| ([\\d.]+) \\|$`, 'm').exec(
    read('README.md'),
  )
  if (cells === null) throw new Error(`README.md has no row "${row}" in its table of browsers.`)
  return [Number(cells[1]), Number(cells[2]), Number(cells[3])]
}
const needed = (code: string, but = ''): Versions =>
  FEATURES.filter(([name, pattern]) => name !== but && pattern.test(code)).reduce<Versions>(
    ([chromium, firefox, safari], [, , [c, f, s]]) => [
      Math.max(chromium, c),
      Math.max(firefox, f),
      Math.max(safari, s),
    ],
    [0, 0, 0],
  )

/** What an application runs, from a page to its worker. */
const MAIN = [
  'index',
  'claims',
  'event-source',
  'react',
  'vue',
  'svelte',
  'solid',
  'query',
  'testing',
  'worker',
  'stream.worker',
]

/** Names of newer methods that are ours or a library's own, or, as `fromBase64` in jose, looked for before they are called. */
const NOT_THEIRS = ['take', 'drop', 'use', 'since', 'move', 'until', 'fromBase64']

/** Methods that TypeScript's library declares for an edition after ES2022, and for none before. */
const newMethods = (): string[] => {
  const scope = join(root, 'node_modules/@typescript')
  // One package for each platform; only that of this machine is installed.
  const folder = join(scope, readdirSync(scope).find((name) => name.startsWith('typescript-'))!, 'lib')
  const members = (pattern: RegExp) =>
    readdirSync(folder)
      .filter((file) => pattern.test(file))
      .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/^ {4,}(\w+)\??[<(]/gm)])
      .map(([, name]) => name!)
  const old = new Set(members(/^lib\.(es5|es20(1\d|2[0-2])|dom)\b.*\.d\.ts$/))
  return [...new Set(members(/^lib\.(es202[3-9]|esnext)\..*\.d\.ts$/))].filter((name) => !old.has(name))
}

describe('the table of browsers in README.md', () => {
  it('says what the built files need', () => {
    const main = MAIN.map((file) => read(`dist/${file}.js`)).join('\n')
    expect(needed(main)).toEqual(promised('one SharedWorker for all tabs'))
    // T2: each tab has a dedicated Worker where there is no SharedWorker.
    expect(needed(main, SHARED_WORKER)).toEqual(promised('tabstream'))
    expect(needed(read('dist/inspector.js'))).toEqual(promised('the inspector'))
  })

  it('knows every method after ES2022 that a built file calls', () => {
    const methods = newMethods()
    expect(methods).toContain('toSorted')
    for (const file of [...MAIN, 'inspector', 'verify'])
      for (const [call, name] of read(`dist/${file}.js`).matchAll(/\.(\w+)\(/g))
        if (methods.includes(name!) && !NOT_THEIRS.includes(name!))
          expect(
            FEATURES.some(([, pattern]) => pattern.test(call)),
            `${file}.js calls ${name}`,
          ).toBe(true)
  })

  it('holds for the syntax: nothing has to be compiled down for these browsers', async () => {
    const [chromium, firefox, safari] = promised('tabstream')
    const target = [`chrome${chromium}`, `firefox${firefox}`, `safari${safari}`]
    for (const file of [...MAIN, 'verify']) {
      // Every browser with property escapes knows this property. esbuild asks for those of the newest Unicode.
      const code = read(`dist/${file}.js`).replaceAll('/\\p{Surrogate}/u', '/x/u')
      const compiled = (to: string | string[]) =>
        transformWithEsbuild(code, `${file}.js`, { target: to, sourcemap: false })
      expect((await compiled(target)).code, file).toBe((await compiled('esnext')).code)
    }
  })
})
