import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The "Shown by" lines of SPEC.md: for each promise the test files whose titles quote its id. `npm run docs` writes
 * them, so that they stay true while tests move; the test of the docs compares.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A promise that a command shows, rather than a test's title. */
const COMMANDS: Record<string, string> = {
  X4: '`npm run test:package`',
  X5: '`npm run test:interop`',
  P16: '`npm run size`',
  N7: '`npm run bench:herd`',
  N9: '`npm run bench:server`',
}
/** The same for all promises of one letter. */
const COMMANDS_BY_LETTER: Record<string, string> = {
  P: '`npm run bench -- --goals`',
  N: '`test/server`, `npm run test:cluster`',
}

/** A title begins with its ids: S1 D1 two tabs ..., or S1, L1 to L3 hubs ... */
const TITLE = /['"`](?<ids>(?:TO|ST|[A-Z])\d+(?:(?:,| to| and)? (?:TO|ST|[A-Z])\d+)*) [^'"`\s]/g

const idsOf = (ids: string): string[] =>
  [...ids.matchAll(/(TO|ST|[A-Z])(\d+)(?: to (?:TO|ST|[A-Z])(\d+))?/g)].flatMap(
    ([, letter, first, last = first]) =>
      Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => `${letter}${Number(first) + at}`),
  )

/** The ids that test titles quote, each with the files that do. */
export const quoted = (): Map<string, string[]> => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('results'))
    .map((file) => `test/${file.replaceAll('\\', '/')}`)
    .sort()
  const byId = new Map<string, string[]>()
  for (const file of files) {
    const titles = [...readFileSync(join(root, file), 'utf8').matchAll(TITLE)]
    for (const id of new Set(titles.flatMap(({ groups }) => idsOf(groups!.ids!))))
      byId.set(id, [...(byId.get(id) ?? []), file])
  }
  return byId
}

/** `test/unit/worker/{hub,hubs}.test.ts`: files of one folder and one ending are joined by braces. */
const joined = (files: string[]): string[] => {
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const [, folder, name, ending] = /^(.*\/)([^/]*?)(\.(?:test|spec)\.ts|\.ts)$/.exec(file)!
    const group = `${folder}*${ending}`
    groups.set(group, [...(groups.get(group) ?? []), name!])
  }
  return [...groups].map(([group, names]) => {
    const name = names.length === 1 ? names[0]! : `{${names.join(',')}}`
    return `\`${group.replace('*', name)}\``
  })
}

/** Lines of at most 118 characters, where no part is longer. */
const wrapped = (parts: string[]): string =>
  parts.reduce((text, part) => {
    const line = text.slice(text.lastIndexOf('\n') + 1)
    return `${text}${text === '' ? '' : ','}${line.length + part.length + 2 > 118 ? '\n' : ' '}${part}`
  })

/** SPEC.md with the "Shown by" line of each promise as the tests have it. */
export const withShownBy = (spec: string): string => {
  const byId = quoted()
  const sections = spec.split(/^(?=#{2,3} )/m).map((section) => {
    const id = /^### ((?:TO|ST|[A-Z])\d+) /.exec(section)?.[1]
    if (id === undefined) return section
    const files = byId.get(id)
    const command = COMMANDS[id] ?? COMMANDS_BY_LETTER[id[0]!]
    const parts = [...(files === undefined ? [] : joined(files)), ...(command === undefined ? [] : [command])]
    const promise = section.replace(/^Shown by:[\s\S]*/m, '').trimEnd()
    return `${promise}\n\n${wrapped(['Shown by:', ...parts]).replace(',', '')}\n\n`
  })
  return `${sections.join('').trimEnd()}\n`
}
