import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { hashPassword } from './password-hash.ts'
import { type UsersFile, usersFile } from './users.ts'

/**
 * `npm run server:user -- NAME [--data DIR]`: asks for a password on standard input, and writes its hash to users.json.
 * For a user that there is, the new password takes the place of the old one.
 */

const shortest = 10

const readPassword = async (): Promise<string> => {
  // What is typed is not shown.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY })
  if (process.stdin.isTTY) process.stderr.write('Password: ')
  try {
    for await (const line of lines) return line
    return ''
  } finally {
    lines.close()
    if (process.stdin.isTTY) process.stderr.write('\n')
  }
}

const read = (path: string): UsersFile => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as UsersFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return {}
  }
}

const { values, positionals } = parseArgs({
  options: {
    data: { type: 'string', default: fileURLToPath(new URL('../../../.data/server', import.meta.url)) },
  },
  allowPositionals: true,
})
const [name] = positionals

if (name === undefined || !/^[^\r\n\0]{1,256}$/.test(name)) {
  console.error('Name the user: npm run server:user -- NAME')
  process.exitCode = 2
} else {
  const password = await readPassword()
  if (password.length < shortest) {
    console.error(`A password has ${shortest} characters at least.`)
    process.exitCode = 1
  } else {
    mkdirSync(values.data, { recursive: true, mode: 0o700 })
    const path = usersFile(values.data)
    const users = { ...read(path), [name]: await hashPassword(password) }
    writeFileSync(`${path}.new`, `${JSON.stringify(users, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    console.log(`${name} can log in.`)
  }
}
