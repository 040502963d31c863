import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, minifySync, type Rolldown } from 'vite'

/**
 * `npm run size [entry ...]`: what each module costs in the built files, by the bundler's own account. The parts of one
 * file compress each other, so a module's gzipped size is its share of the file's.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const kilobytes = (bytes: number) => (bytes / 1_000).toFixed(2).padStart(7)

/** The chunks of one of vite.config.ts's builds, the entry first. Nothing is written. */
const chunksOf = async (mode: string) => {
  const built = await build({ root, mode, logLevel: 'error', build: { write: false } })
  const outputs = [built].flat() as Rolldown.RolldownOutput[]
  const chunks = outputs.flatMap(({ output }) => output.filter((file) => file.type === 'chunk'))
  return chunks.sort((a, b) => Number(b.isEntry) - Number(a.isEntry))
}

for (const mode of process.argv.length > 2 ? process.argv.slice(2) : ['page', 'worker-file']) {
  for (const { fileName, code, modules } of await chunksOf(mode)) {
    const gzipped = gzipSync(code, { level: 9 }).length
    const rows = Object.entries(modules).map(([id, { code: rendered }]) => ({
      name: relative(root, id),
      rendered: rendered?.length ?? 0,
      minified: minifySync(id, rendered ?? '').code.length,
    }))
    const total = rows.reduce((sum, { minified }) => sum + minified, 0)
    console.log(`\n${fileName}: ${kilobytes(code.length)} kB, gzipped ${kilobytes(gzipped)} kB\n`)
    console.log('  rendered  minified  of gzip  module')
    for (const { name, rendered, minified } of rows.sort((a, b) => b.minified - a.minified))
      console.log(
        `  ${kilobytes(rendered)}   ${kilobytes(minified)}  ${kilobytes((gzipped * minified) / total)}  ${name}`,
      )
  }
}
