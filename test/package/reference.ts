import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withShownBy } from './shown-by.ts'

/**
 * `npm run docs` makes docs/api.md out of the docstrings, from the declarations that are published. A page of
 * declarations says what a table would, and the compiler has checked it. TypeDoc needs a compiler API that
 * TypeScript 7 lacks. The same command writes the "Shown by" lines of SPEC.md.
 */
const PAGES: [entry: string, names: [file: string, name: string][]][] = [
  [
    'tabstream',
    [
      ['client', 'connect'],
      ['options', 'ConnectOptions'],
      ['options', 'WorkerFactoryOptions'],
      ['stream', 'Stream'],
      ['listeners', 'StreamEvent'],
      ['errors', 'StreamError'],
      ['protocol', 'ErrorKind'],
      ['protocol', 'ResetReason'],
      ['protocol', 'StreamState'],
      ['protocol', 'Status'],
      ['protocol', 'From'],
      ['protocol', 'Metrics'],
      ['protocol', 'InspectOptions'],
      ['protocol', 'Inspection'],
      ['protocol', 'SessionInspection'],
      ['protocol', 'Happening'],
      ['protocol', 'EventHead'],
    ],
  ],
  [
    'tabstream/event-source',
    [
      ['shared-event-source', 'SharedEventSourceInit'],
      ['shared-event-source', 'SharedEventSource'],
    ],
  ],
  [
    'tabstream/inspector',
    [
      ['stream', 'InspectorElement'],
      ['stream', 'Inspected'],
      ['inspector/index', 'openInspector'],
    ],
  ],
  [
    'tabstream/react',
    [
      ['react', 'Register'],
      ['react', 'StreamProviderProps'],
      ['react', 'StreamProvider'],
      ['react', 'useStream'],
      ['react', 'useEvent'],
      ['react', 'useLatest'],
      ['react', 'useStatus'],
    ],
  ],
  [
    'tabstream/testing',
    [
      ['testing', 'createTestStream'],
      ['testing', 'TestStreamOptions'],
      ['testing', 'TestStream'],
    ],
  ],
  ['tabstream/worker', [['../worker/index', 'serve']]],
  ['tabstream/verify', [['../worker/verify', 'createVerifier']]],
]

const root = new URL('../../', import.meta.url)
const declarations = (file: string) =>
  readFileSync(new URL(`dist/types/src/${file}.d.ts`, root), 'utf8').split('\n')

/** From its docstring to its last line, as often as it is declared: an overload is a declaration. */
const declared = (file: string, name: string): string => {
  const lines = declarations(file)
  const head = new RegExp(
    `^export (declare )?(const|class|function|interface|type) ${name.replace('$', '\\$')}\\b`,
  )
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
  if (found.length === 0) throw new Error(`dist/types/src/${file}.d.ts does not declare ${name}`)
  return found.join('\n')
}

export const reference = (): string => {
  const parts = [
    '# API reference\n\nMade from the docstrings by `npm run docs`. The ids are those of [SPEC.md](../SPEC.md).\n',
  ]
  for (const [entry, names] of PAGES) {
    parts.push(`## ${entry}\n`)
    for (const [file, name] of names) parts.push(`### ${name}\n\n\`\`\`ts\n${declared(file, name)}\n\`\`\`\n`)
  }
  return parts.join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('docs/api.md', root), reference())
  const spec = new URL('SPEC.md', root)
  writeFileSync(spec, withShownBy(readFileSync(spec, 'utf8')))
}
