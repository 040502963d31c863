import { deleteDB, openDB } from 'idb'

/** The name does not start as those of logs do, since old logs are swept away: a key lives until sign-out. */
const nameOf = (key: string) => `tabstream-dpop:${key}`

/** The key is for P-256, since RFC 9449 has servers know ES256. No script can read its private half. */
const generate = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])

/**
 * The key pair of a stream, made once for all workers of its key, and kept in IndexedDB until sign-out. Without
 * IndexedDB the pair lives as long as the worker.
 */
export const openProofKey = async (key: string): Promise<CryptoKeyPair> => {
  try {
    const db = await openDB(nameOf(key), 1, { upgrade: (made) => void made.createObjectStore('keys') })
    try {
      const made = await generate()
      const tx = db.transaction('keys', 'readwrite')
      const kept: CryptoKeyPair | undefined = await tx.store.get('key')
      if (kept === undefined) await tx.store.put(made, 'key')
      await tx.done
      return kept ?? made
    } finally {
      db.close()
    }
  } catch {
    return generate()
  }
}

/** Deletes the key pair at a sign-out (A4). */
export const deleteProofKey = (key: string): Promise<void> => deleteDB(nameOf(key))
