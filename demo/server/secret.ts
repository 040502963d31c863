import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The key that signs tokens, 32 bytes, made once and kept: a restart leaves everybody logged in. */
export const loadSecret = (dataDir: string, random: (bytes: number) => Buffer): Uint8Array => {
  mkdirSync(dataDir, { recursive: true })
  const path = join(dataDir, 'token-secret')
  try {
    // `wx`: of two servers that start at once, one writes and both read the same.
    writeFileSync(path, random(32).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return Buffer.from(readFileSync(path, 'utf8'), 'hex')
}
