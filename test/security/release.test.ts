import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Jobs of the release workflow, by name: the text from one job's line to the next one's. */
const jobs = () => {
  const text = readFileSync(new URL('../../.github/workflows/release.yml', import.meta.url), 'utf8')
  const [, body] = text.split(/^jobs:\n/m)
  const parts = body!.split(/^ {2}(\w+):\n/m).slice(1)
  return new Map(
    parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1]!] as const] : [])),
  )
}

test('the job that may publish installs nothing, and runs nothing of the repository', () => {
  const mayPublish = [...jobs()].filter(([, text]) => /id-token|packages: write|contents: write/.test(text))
  expect(mayPublish.map(([name]) => name)).toEqual(['publish'])
  const [, text] = mayPublish[0]!
  const commands = [...text.matchAll(/run: (.*)/g)].map(([, command]) => command)
  expect(commands).toEqual([
    'echo "$SHA256  package.tgz" | sha256sum --check',
    'npm publish ./package.tgz --provenance --access public --ignore-scripts',
  ])
  expect(text).not.toContain('checkout')
})

test('what is published has been tested, and was built apart from the tests', () => {
  expect(jobs().get('pack')).toMatch(/needs: test\n/)
  expect(jobs().get('publish')).toMatch(/needs: pack\n/)
  expect(jobs().get('pack')).not.toContain('npm test')
})
