import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SigningKeyStorage } from './signing-key-storage.ts'

/** Keys in a file of `dataDir`, for a server that is alone. */
export const keyFile = (dataDir: string): SigningKeyStorage => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'signing-keys.json')
  return {
    async read() {
      try {
        return readFileSync(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        return undefined
      }
    },
    async replace(_, text) {
      writeFileSync(`${path}.new`, text, { mode: 0o600 })
      renameSync(`${path}.new`, path)
      return true
    },
  }
}
