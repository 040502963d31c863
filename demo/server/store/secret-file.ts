import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** 32 random bytes in hex, made once and kept: a restart leaves everybody logged in, and a chain its seal. */
export const loadSecret = (dataDir: string, name: string, random: (bytes: number) => Buffer): string => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, name)
  try {
    // `wx`: of two servers that start at once, one writes and both read the same.
    writeFileSync(path, random(32).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8')
}
