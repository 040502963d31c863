import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Files that speak with another file of the package, with another of its versions, or with an application. */
const SPOKEN = [
  /^src\/(?:shared|inspector|state|claims)\//,
  /^src\/[\w-]+\.ts$/,
  /^worker\/(?:index|port)\.ts$/,
  // A verifier is built into a file of its own.
  /^worker\/(?:verify\/|base\/platform)/,
]
const LIBRARIES = [
  'comlink/dist/esm/comlink.mjs',
  'idb/build/index.js',
  '@microsoft/fetch-event-source/lib/esm/fetch.js',
]

interface Node {
  type: string
  [field: string]: unknown
}

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)

const visit = (value: unknown, look: (node: Node) => void): void => {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && typeof value.type === 'string') look(value as Node)
  for (const part of Object.values(value)) visit(part, look)
}

const nodesOf = (file: string): Node[] => {
  const nodes: Node[] = []
  visit(parseSync(file, readFileSync(join(root, file), 'utf8')).program, (node) => nodes.push(node))
  return nodes
}

/** The name of a property that is declared, set or read here; `undefined`: it is none, or computed. */
const nameOf = ({ type, key, property, computed }: Node): string | undefined => {
  if (computed === true) return undefined
  const name = type === 'MemberExpression' ? property : key
  return (name as { name?: string } | undefined)?.name
}

const isMethod = ({ type, typeAnnotation }: Node): boolean => {
  const declared = (typeAnnotation as { typeAnnotation?: Node } | null | undefined)?.typeAnnotation
  return (
    type === 'TSMethodSignature' || (type === 'TSPropertySignature' && declared?.type === 'TSFunctionType')
  )
}

/** Every name that the browser's and the language's own objects have. */
const namesOfPlatform = (): string[] => {
  const [compiler] = readdirSync(join(root, 'node_modules/@typescript'))
  const folder = join(root, 'node_modules/@typescript', compiler!, 'lib')
  return readdirSync(folder)
    .filter((file) => /^lib\.(?:es|dom|webworker|decorators).*\.d\.ts$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(/^\s*(?:[a-z]+ )*(\w+)\??\s*[(:<]/gm),
    ])
    .map(([, name]) => name!)
}

/**
 * The names of methods and callbacks that stay within one built file, for the minifier to shorten. Names of data keep
 * their length: they reach other versions over ports, channels and disks. A function reaches none of them.
 */
export const privateMethods = (): string[] => {
  const methods = new Set<string>()
  const kept = new Set(namesOfPlatform())
  for (const library of LIBRARIES)
    for (const node of nodesOf(join('node_modules', library))) kept.add(nameOf(node) ?? '')
  for (const file of [...filesBelow('src'), ...filesBelow('worker')]) {
    const isSpoken = SPOKEN.some((pattern) => pattern.test(file))
    for (const node of nodesOf(file)) {
      // `object[name]` reads a property by a text.
      if (node.type === 'Literal') kept.add(String(node.value))
      const name = nameOf(node)
      if (name === undefined) continue
      if (isMethod(node) && !isSpoken) methods.add(name)
      else if (isSpoken || node.type === 'TSPropertySignature') kept.add(name)
    }
  }
  return [...methods].filter((name) => !kept.has(name))
}
