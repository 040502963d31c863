import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the packed tarball', () => {
  let folder: string
  let tarball: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabstream-pack-'))
    await run('npm', ['pack', '--pack-destination', folder], { cwd: root })
    tarball = join(folder, (await readdir(folder))[0]!)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('is one that publint has nothing to say about', async () => {
    const { messages } = await publint({ strict: true, pack: { tarball: await readTarball() } })
    expect(messages).toEqual([])
  })
  const readTarball = async () => {
    const bytes = await readFile(tarball)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  }

  // It asks a compiler about each entry.
  it('has types at every entry, for bundlers and for Node as ESM', { timeout: 120_000 }, async () => {
    const attw = join(root, 'node_modules/.bin/attw')
    const { stdout } = await run(attw, [tarball, '--profile', 'esm-only', '--format', 'json'])
    const { analysis } = JSON.parse(stdout)
    const ours = analysis.problems.filter(
      ({ resolutionKind }: { resolutionKind?: string }) =>
        resolutionKind !== 'node10' && resolutionKind !== 'node16-cjs',
    )
    expect(ours).toEqual([])
    expect(Object.keys(analysis.entrypoints)).toEqual([
      ...['.', './event-source', './inspector', './query', './react', './solid', './svelte'],
      ...['./testing', './vue', './worker', './verify'],
      ...['./stream.worker.js', './package.json'],
    ])
  })

  it('holds what is published and no sources, tests or fixtures', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const files = stdout.trim().split('\n')
    for (const file of files)
      expect(file).toMatch(
        /^package\/(dist\/|docs\/|(SECURITY|README|SPEC|CHANGELOG)\.md$|LICENSE$|package\.json$)/,
      )
    expect(files).toEqual(expect.arrayContaining(['package/LICENSE', 'package/dist/stream.worker.js']))
  })
})
