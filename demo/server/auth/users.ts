import { timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { refusal } from '../http/problem.ts'
import { hashPassword, isPasswordOf } from './password-hash.ts'

export interface UsersOptions {
  dataDir: string
  /** Passwords by user, as they are: for development and tests. */
  plain: Readonly<Record<string, string>>
}

export interface Users {
  /** Rejects with a `statusCode` of 503 while too many passwords are being checked. */
  isPassword(user: string, password: string): Promise<boolean>
}

export type UsersFile = Record<string, string>

/** Hashes by user, which `npm run server:user` writes. */
export const usersFile = (dataDir: string): string => join(dataDir, 'users.json')

/** Passwords that are checked at a time, each for a tenth of a second and 32 MiB, and that wait for it. */
const most = { running: 2, waiting: 32 }

/** At most so many at a time; the others wait, and what is more than can wait is refused. */
const createGate = () => {
  let running = 0
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= most.running) {
      if (waiting.length >= most.waiting)
        throw refusal(503, 'unavailable', 'Too many passwords are being checked. Try again.')
      await new Promise<void>((done) => waiting.push(done))
    }
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }
}

/** Reads the file when it has changed: who is added can log in at once. */
const openFile = (path: string) => {
  let known: { at: number; users: UsersFile } = { at: Number.NaN, users: {} }
  return async (user: string): Promise<string | undefined> => {
    const at = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
    if (at === undefined) return
    if (at !== known.at) known = { at, users: JSON.parse(await readFile(path, 'utf8')) as UsersFile }
    return Object.hasOwn(known.users, user) ? known.users[user] : undefined
  }
}

const isSame = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Who can log in. */
export const createUsers = ({ dataDir, plain }: UsersOptions): Users => {
  const hashOf = openFile(usersFile(dataDir))
  const gate = createGate()
  // Of nobody's password: a user that there is not takes as long to be refused as one that there is.
  let nobody: Promise<string> | undefined

  return {
    async isPassword(user, password) {
      if (Object.hasOwn(plain, user)) return plain[user] !== '' && isSame(password, plain[user]!)
      const hash = await hashOf(user)
      return gate(async () => {
        if (hash !== undefined) return isPasswordOf(hash, password)
        nobody ??= hashPassword('')
        await isPasswordOf(await nobody, password)
        return false
      })
    },
  }
}
