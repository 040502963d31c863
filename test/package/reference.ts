import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withShownBy } from './shown-by.ts'

/**
 * `npm run docs` makes docs/api.md out of the docstrings, from the declarations that are published. A page of
 * declarations says what a table would, and the compiler has checked it. TypeDoc needs a compiler API that
 * TypeScript 7 lacks. The same command writes the "Shown by" lines of SPEC.md.
 */
const PAGES: [entry: string, names: string[]][] = [
  [
    'tabstream',
    [
      ...[
        'connect',
        'ConnectOptions',
        'WorkerFactoryOptions',
        'Stream',
        'Topic',
        'TopicStatus',
        'Heard',
        'ClaimOptions',
        'ClaimContext',
        'StreamEvent',
        'StreamError',
        'ErrorKind',
      ],
      ...['ResetReason', 'StreamState', 'Status', 'From', 'Metrics', 'InspectOptions', 'Inspection'],
      ...['SessionInspection', 'ClaimInspection', 'Happening', 'EventHead'],
    ],
  ],
  ['tabstream/event-source', ['SharedEventSourceInit', 'SharedEventSource']],
  ['tabstream/inspector', ['InspectorElement', 'Inspected', 'openInspector']],
  [
    'tabstream/react',
    [
      'Register',
      'StreamProviderProps',
      'StreamProvider',
      'useStream',
      'useEvent',
      'useClaim',
      'useLatest',
      'useTopic',
      'useStatus',
    ],
  ],
  ...['vue', 'svelte', 'solid'].map((framework): [string, string[]] => [
    `tabstream/${framework}`,
    [
      ...(framework === 'svelte'
        ? ['Current', 'ProvideStreamOptions', 'provideStream']
        : ['StreamProviderProps', 'StreamProvider']),
      ...['useStream', 'useEvent', 'useClaim', 'useLatest', 'useTopic', 'useStreamState', 'useStatus'],
    ],
  ]),
  [
    'tabstream/query',
    [
      ...['streamQuery', 'StreamQueryOptions', 'StreamQuery', 'bindQueries', 'QueryClientLike'],
      ...['streamSubscription', 'StreamSubscriptionOptions', 'Subscribe'],
      ...['streamCollection', 'StreamCollectionOptions', 'StreamCollection', 'Change'],
      ...['Feeding', 'On'],
    ],
  ],
  ['tabstream/testing', ['createTestStream', 'TestStreamOptions', 'TestStream', 'TestTopic']],
  ['tabstream/worker', ['serve']],
  ['tabstream/verify', ['createVerifier']],
]

const root = new URL('../../', import.meta.url)
/** Where an entry's own declarations are: each framework's has names that the others have, too. */
const ownFile = (entry: string): string => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  return exports[entry.replace('tabstream', '.')].types
}

/** The declarations of each source file; those of a file that was deleted may still lie in dist/. */
const declarations = (): string[][] =>
  ['src', 'worker'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((file) => `dist/types/${folder}/${file.replace(/ts$/, 'd.ts')}`)
      .map((file) => readFileSync(new URL(file, root), 'utf8').split('\n')),
  )

/** From its docstring to its last line, as often as it is declared: an overload is a declaration. */
const declared = (all: string[][], own: string[], name: string): string => {
  const head = new RegExp(`^export (declare )?(const|class|function|interface|type) ${name}\\b`)
  const declares = (lines: string[]) => lines.some((line) => head.test(line))
  const files = declares(own) ? [own] : all.filter(declares)
  if (files.length !== 1)
    throw new Error(`${files.length} files below dist/types declare ${name}: build first.`)
  const lines = files[0]!
  const found: string[] = []
  for (let at = 0; at < lines.length; at++) {
    if (!head.test(lines[at]!)) continue
    let start = at
    if (/\*\/\s*$/.test(lines[at - 1] ?? '')) {
      start--
      while (!/^\s*\/\*\*/.test(lines[start]!)) start--
    }
    let end = at
    // What is declared at the margin ends at the margin.
    while (!/[;}]\s*$/.test(lines[end]!) || /^\s/.test(lines[end]!)) end++
    found.push(lines.slice(start, end + 1).join('\n'))
    at = end
  }
  return found.join('\n')
}

export const reference = (): string => {
  const parts = [
    '# API reference\n\nMade from the docstrings by `npm run docs`. The ids are those of [SPEC.md](../SPEC.md).\n',
  ]
  const all = declarations()
  for (const [entry, names] of PAGES) {
    parts.push(`## ${entry}\n`)
    const own = readFileSync(new URL(ownFile(entry), root), 'utf8').split('\n')
    for (const name of names) parts.push(`### ${name}\n\n\`\`\`ts\n${declared(all, own, name)}\n\`\`\`\n`)
  }
  return parts.join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('docs/api.md', root), reference())
  const spec = new URL('SPEC.md', root)
  writeFileSync(spec, withShownBy(readFileSync(spec, 'utf8')))
}
